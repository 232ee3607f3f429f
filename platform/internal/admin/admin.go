// Package admin is the desk of whoever administers access: users, API keys,
// roles, search restrictions, address rules, site keys and the catalogue of
// operations.
//
// Every change here is an access change: it takes the exclusive version lock,
// bumps the policy version, and so stops the very next call under the old
// right. Nobody changes the access that they themselves hold, and a tenant is
// never left without an active administrator.
package admin

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operations.
type Desk struct {
	config        Config
	OperationList *gate.Op[Nothing, OperationListOut]
	KeyList       *gate.Op[UserRef, KeyListOut]
	KeyCreate     *gate.Op[KeyCreateIn, KeyCreateOut]
	KeyRevoke     *gate.Op[KeyRef, Key]
	IPRuleList    *gate.Op[Nothing, IPRuleListOut]
	IPRuleCreate  *gate.Op[IPRuleIn, IPRule]
	IPRuleUpdate  *gate.Op[IPRuleUpdateIn, IPRule]
	IPRuleDelete  *gate.Op[IPRuleRef, Done]
	SiteKeyList   *gate.Op[Nothing, SiteKeyListOut]
	SiteKeyCreate *gate.Op[SiteKeyIn, SiteKey]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.OperationList = d.operationList()
	d.KeyList, d.KeyCreate, d.KeyRevoke = d.keyList(), d.keyCreate(), d.keyRevoke()
	d.IPRuleList, d.IPRuleCreate, d.IPRuleUpdate, d.IPRuleDelete = d.ipRuleList(), d.ipRuleCreate(), d.ipRuleUpdate(), d.ipRuleDelete()
	d.SiteKeyList, d.SiteKeyCreate = d.siteKeyList(), d.siteKeyCreate()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.OperationList, d.KeyList, d.KeyCreate, d.KeyRevoke,
		d.IPRuleList, d.IPRuleCreate, d.IPRuleUpdate, d.IPRuleDelete, d.SiteKeyList, d.SiteKeyCreate}
}

// look describes a read of this desk; edit an access change.
func look[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, screen, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

// refuseSelf keeps people from changing the access that they hold.
func refuseSelf(c *gate.Call, u id.User) error {
	if c.Who.Sort != gate.System && c.Who.User == u {
		return fault.New(fault.Denied, "own_access", "Nobody changes their own access; ask another administrator.")
	}
	return nil
}

// keepAnAdministrator refuses a change after which no active person holds the
// shipped Admin role.
func keepAnAdministrator(ctx context.Context, tx *db.Tx) error {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM staff s JOIN role r ON r.id = s.role_id WHERE s.active = 1 AND s.machine = 0 AND r.shipped = ?`, []any{policy.Admin}, &n)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "last_administrator", "This would leave nobody who can administer access.")
	}
	return err
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
