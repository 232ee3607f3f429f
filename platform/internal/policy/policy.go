// Package policy holds the rules of access as they are stored — roles, search
// restrictions, address rules — and compiles them for the gate.
//
// A compiled policy is immutable but for subjects, which are compiled when
// first met, and is cached by version: every change of access bumps the
// version in its own transaction, and every call reads the version in the
// snapshot of its data. Policy decides nothing (package access does) and knows
// no desk: operations and the vocabulary of expressions are handed in.
package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// Operation is what policy needs to know of one entry of the gate's list.
type Operation struct {
	Number   uint16
	Name     string
	UI       bool     // a screen has it
	API      bool     // the API has it
	ByRole   bool     // a role may grant it
	Every    bool     // every signed-in caller holds it
	Roles    []string // shipped roles that hold it beside admin
	Lendable bool     // a walkthrough may lend it
	Paired   bool     // a second person must always approve it, whatever the tenant says
}

// Vocabulary is what expressions may speak of; it depends on the tenant's
// portfolios and custom fields, so it is read in the transaction of the call.
type Vocabulary struct{ Loans, Borrowers, Applications *rule.Vocabulary }

// Config is handed in at the roof.
type Config struct {
	Operations []Operation
	Vocabulary func(ctx context.Context, tx *db.Tx) (Vocabulary, error)
}

// Cache keeps the compiled policies of one tenant, newest versions only.
type Cache struct {
	config Config
	mu     sync.Mutex // guards kept
	kept   []*Compiled
}

const keptVersions = 4

// NewCache makes the cache of one tenant.
func NewCache(c Config) *Cache { return &Cache{config: c} }

// At gives the policy at a version that tx has just read; it compiles it from
// tx's snapshot when it is new.
func (c *Cache) At(ctx context.Context, tx *db.Tx, version int64, tenantActive bool) (*Compiled, error) {
	if p := c.Kept(version); p != nil {
		return p, nil
	}
	p, err := c.compile(ctx, tx, version, tenantActive)
	if err != nil {
		return nil, fmt.Errorf("compiling policy version %d: %w", version, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, p)
	slices.SortFunc(c.kept, func(a, b *Compiled) int { return int(b.Version - a.Version) })
	if len(c.kept) > keptVersions {
		c.kept = c.kept[:keptVersions]
	}
	return p, nil
}

// Kept gives a policy that was compiled before, or nil.
func (c *Cache) Kept(version int64) *Compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.kept {
		if p.Version == version || !versionChecked && p.Version == version-1 {
			return p
		}
	}
	return nil
}

// newest gives the policy compiled last, whose address sets are taken over where
// their entries are the same; or nil.
func (c *Cache) newest() *Compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) == 0 {
		return nil
	}
	return c.kept[0]
}

// Compiled is a policy at one version.
type Compiled struct {
	Version  int64
	Access   *access.Policy
	config   *Config
	roles    map[id.Role]*Role
	vocab    Vocabulary
	rules    []*IPRule
	setting  Setting
	proposed *Proposed  // of an overlay: what is not stored
	mu       sync.Mutex // guards subjects
	subjects map[subjectKey]*Subject
}

type subjectKey struct {
	user id.User
	key  id.APIKey
}

func (c *Cache) compile(ctx context.Context, tx *db.Tx, version int64, active bool) (*Compiled, error) {
	p := &Compiled{Version: version, config: &c.config, subjects: map[subjectKey]*Subject{}, roles: map[id.Role]*Role{}}
	roles, err := Roles(ctx, tx)
	if err != nil {
		return nil, err
	}
	p.Access = &access.Policy{Version: version, TenantActive: active}
	for i := range roles {
		p.roles[roles[i].ID] = &roles[i]
	}
	compileRoles(p.roles, c.config.Operations)
	if p.rules, err = allIPRules(ctx, tx, c.newest()); err != nil {
		return nil, err
	}
	p.Access.TenantIP = p.rulesOf("tenant", "")
	if p.setting, err = ReadSetting(ctx, tx); err != nil {
		return nil, err
	}
	p.Access.FourEyes = p.pairs()
	if p.vocab, err = c.config.Vocabulary(ctx, tx); err != nil {
		return nil, err
	}
	return p, nil
}

// pairs gives the operations that a second person must approve.
func (p *Compiled) pairs() access.Bits {
	b := access.NewBits()
	for _, o := range p.config.Operations {
		if o.Paired || slices.Contains(p.setting.FourEyes, o.Name) {
			b.Set(o.Number)
		}
	}
	return b
}

// Setting gives what the tenant decided about its doors.
func (p *Compiled) Setting() Setting { return p.setting }

// Vocabulary gives what expressions may speak of at this version.
func (p *Compiled) Vocabulary() Vocabulary { return p.vocab }

// Role gives a role by id, or nil.
func (p *Compiled) Role(r id.Role) *Role { return p.roles[r] }

// RuleName gives the name of an address rule by the index that a decision carries.
func (p *Compiled) RuleName(index int32) string {
	if index >= 0 && int(index) < len(p.rules) {
		return p.rules[index].Name
	}
	return ""
}

// Bump raises the version in the transaction of an access change. The caller
// must hold the exclusive version lock (db.WriteExclusive).
func Bump(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE policy_version SET version = version + 1 WHERE id = 1`)
	return err
}

func decode[T any](text string) (T, error) {
	var v T
	err := json.Unmarshal([]byte(text), &v)
	return v, err
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // lists of strings and small structs always marshal
	}
	return string(b)
}
