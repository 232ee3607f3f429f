// Package demo fills a tenant with sample data, made from a seed, through the
// same operations that people use: nothing is written past the gate.
//
// It is the one place with invented people. Their telephone numbers are of the
// range 555-01xx, their mail goes to example.com, and their addresses on the
// network are documentation ranges: none of them reaches anybody.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Facts are what whoever starts the demo needs to know.
type Facts struct {
	URL        string          `json:"url"`
	CA         string          `json:"ca"` // file of the development CA's certificate
	Tenant     string          `json:"tenant"`
	VaultURL   string          `json:"vault_url"` // empty until there is a vault
	SiteKey    string          `json:"site_key"`
	SiteOrigin string          `json:"site_origin"`
	ServerKey  string          `json:"server_key"`
	IPStackURL string          `json:"ipstack_url"`
	Users      map[string]User `json:"users"`
}

// User is one of the demo's people.
type User struct {
	ID       id.User `json:"id"`
	Email    string  `json:"email"`
	Password string  `json:"password"`
	APIKey   string  `json:"api_key"`
}

// Size is how much there is to see; the zero Size is the demo's.
type Size struct{ Borrowers, Loans int }

// Config is what the demo is started with.
type Config struct {
	House      *house.House
	URL        string // under which the server will be reached
	CA         string
	IPStackURL string // the stand-in's
	IPStackKey string
	Size       Size
	Seed       uint64
	Told       func(what string, done, total int) // progress; may be nil
}

const slug = "demo"

// builder fills one tenant.
type builder struct {
	Config
	tenant *tenant.Tenant
	random *rand.Rand
	facts  Facts
}

// Fill makes the tenant on first use and otherwise points what has moved (the
// server's address, the stand-in's) to where it is now.
func Fill(ctx context.Context, c Config) (*Facts, error) {
	if c.Size == (Size{}) {
		c.Size = Size{Borrowers: 2000, Loans: 3000}
	}
	if c.Told == nil {
		c.Told = func(string, int, int) {}
	}
	b := &builder{Config: c, random: rand.New(rand.NewPCG(c.Seed, 20261122))}
	kept, err := b.remembered()
	if err != nil {
		return nil, err
	}
	if kept {
		b.tenant = c.House.Directory.BySlug(slug)
	} else if err := b.found(ctx); err != nil {
		return nil, fmt.Errorf("making the demo's tenant: %w", err)
	}
	if b.tenant == nil {
		return nil, errors.New("the demo's data folder has lost its tenant; start with an empty folder")
	}
	if err := b.point(ctx); err != nil {
		return nil, fmt.Errorf("pointing the demo to where it runs: %w", err)
	}
	if !kept {
		if err := b.fill(ctx); err != nil {
			return nil, err
		}
	}
	return &b.facts, b.remember()
}

// fill makes the sample data, in the order in which a lender would.
func (b *builder) fill(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"borrowers and loans", b.lend}, {"the investor's restriction", b.restrict}, {"applications", b.apply},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("filling in %s: %w", step.what, err)
		}
	}
	return nil
}

func (b *builder) file() string { return filepath.Join(b.House.Config.Data, "demo.json") }

// remembered reads what an earlier start wrote, passwords included: the file is
// for this user alone, and so is everything else in the folder.
func (b *builder) remembered() (bool, error) {
	text, err := os.ReadFile(b.file())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(text, &b.facts)
}

func (b *builder) remember() error {
	text, err := json.MarshalIndent(b.facts, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.file(), append(text, '\n'), 0o600)
}

// request is a call by the house itself: the demo fills in as a job.
func (b *builder) request() *gate.Request {
	return &gate.Request{Tenant: b.tenant, Channel: operation.Job, Job: "demo", Address: httpserve.Address{Reason: "house"}}
}

// do calls an operation through the gate.
func do[In, Out any](ctx context.Context, b *builder, o *gate.Op[In, Out], in In) (*Out, error) {
	out, err := gate.Run(ctx, b.House.Gate, o, b.request(), func(p *In) error { *p = in; return nil }, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return out, nil
}

func (b *builder) today() time.Time { return b.House.Config.Now().In(b.tenant.Zone) }
