package custody

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Key is what there is for one purpose.
type Key struct {
	Purpose   string    `json:"purpose" class:"public" enum:"fields,blind_index,page,audit_seal,sign,token,digest,persons"`
	Algorithm string    `json:"algorithm" class:"public" example:"AES-256-GCM"`
	Bits      int       `json:"bits" class:"public" example:"256"`
	Version   int       `json:"version" class:"public" doc:"the version in use"`
	Since     string    `json:"since" class:"public" doc:"since when it is in use"`
	AgeDays   int64     `json:"age_days" class:"public"`
	Turns     bool      `json:"turns" class:"public" doc:"whether it can be rotated while the tenant works"`
	Policy    Policy    `json:"policy"`
	Next      string    `json:"next_rotation,omitempty" class:"public" doc:"when it is rotated by itself"`
	Seals     []Held    `json:"seals" doc:"what lies under it"`
	Versions  []Version `json:"versions,omitempty" doc:"every version, newest first; not in lists"`
	Rotation  *Rotation `json:"rotation,omitempty" doc:"the one that is not ended"`
}

// Held is a table, or a column of blind indexes, and how many rows it holds.
type Held struct {
	Name    string `json:"name" class:"public" example:"person_key"`
	Rows    int64  `json:"rows" class:"public"`
	RowsAre string `json:"rows_are" class:"public" enum:"exact,at_least"`
}

// Version is one version of a key.
type Version struct {
	Number    int    `json:"number" class:"public"`
	State     string `json:"state" class:"public" enum:"standing_by,in_use,reading,dropped"`
	Made      string `json:"made" class:"public"`
	Since     string `json:"since,omitempty" class:"public"`
	Until     string `json:"until,omitempty" class:"public"`
	Destroyed string `json:"destroyed,omitempty" class:"public"`
	PublicKey []byte `json:"public_key,omitempty" class:"public" doc:"of a signing key: 32 bytes, base64"`
}

// InventoryOut is every key of the tenant.
type InventoryOut struct {
	Items []Key  `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
	KMS   string `json:"kms" class:"public" doc:"the key that wraps them all"`
}

func (d *Desk) inventory(ctx context.Context, c *gate.Call, _ *Nothing) (*InventoryOut, error) {
	out := &InventoryOut{KMS: c.Tenant.Ring.KMS()}
	all, err := d.policies(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	for _, p := range keys.Purposes() {
		k, err := d.key(ctx, c, p, all[p])
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, *k)
	}
	out.Total = len(out.Items)
	return out, nil
}

func (d *Desk) view(ctx context.Context, c *gate.Call, in *Ref) (*Key, error) {
	all, err := d.policies(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	p := keys.Purpose(in.Purpose)
	o, known := all[p]
	if !known {
		return nil, fault.Missing("key")
	}
	k, err := d.key(ctx, c, p, o)
	if err != nil {
		return nil, err
	}
	list := c.Tenant.Ring.Versions(p)
	for i := len(list) - 1; i >= 0; i-- {
		v := list[i]
		k.Versions = append(k.Versions, Version{Number: v.Number, State: string(v.State()), Made: instant(v.Made), Since: instant(v.Since), Until: instant(v.Until), Destroyed: instant(v.Dropped), PublicKey: v.Public})
	}
	return k, nil
}

func (d *Desk) key(ctx context.Context, c *gate.Call, p keys.Purpose, o Policy) (*Key, error) {
	v := c.Tenant.Ring.Using(p)
	k := &Key{Purpose: string(p), Algorithm: p.Algorithm(), Bits: p.Bits(), Version: v.Number, Since: instant(v.Since), AgeDays: max(0, c.At-v.Since) / daily.Microseconds(), Turns: turns(c.Tenant, p), Policy: o, Seals: []Held{}}
	under, err := openRotation(ctx, c.Tx, p)
	if err != nil {
		return nil, err
	}
	if under != nil {
		shown := under.shown()
		k.Rotation = &shown
	} else if turns(c.Tenant, p) {
		k.Next = instant(nextTurn(v, o))
	}
	held, err := d.walk(c.Tenant).Held(ctx, c.Tx, p, countTo)
	for _, h := range held {
		rows := Held{Name: h.In, Rows: h.Rows, RowsAre: "exact"}
		if h.More {
			rows.RowsAre = "at_least"
		}
		k.Seals = append(k.Seals, rows)
	}
	return k, err
}

// countTo bounds how many rows of a table the inventory looks at.
const countTo = 10_000
