package house

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web/door"
)

// work is what goes on behind the fronts, for each tenant: durable jobs, the
// sequencer of the audit trail, and the building of sets of visible loans.
type work struct {
	house   *House
	mu      sync.Mutex // guards workers and begin
	workers map[id.Tenant]*worker
	begin   func(*tenant.Tenant) // starts a tenant's work; nil until Run
}

// worker is one tenant's work.
type worker struct {
	jobs  *job.Runner
	build chan struct{} // holds one wish to build sets of visible loans
}

func newWork(h *House) *work { return &work{house: h, workers: map[id.Tenant]*worker{}} }

// of finds or makes a tenant's worker.
func (w *work) of(t *tenant.Tenant) *worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.workers[t.ID]
	if k == nil {
		handlers := map[string]job.Handler{signin.ResetMailKind: w.house.resetMail(t)}
		maps.Copy(handlers, w.house.Origination.Handlers(w.house.Gate, t))
		k = &worker{jobs: &job.Runner{DB: t.DB, Handlers: handlers, Log: w.house.Config.Log}, build: make(chan struct{}, 1)}
		w.workers[t.ID] = k
	}
	return k
}

// kick wakes the job runner of a call's tenant.
func (w *work) kick(c *gate.Call) { w.of(c.Tenant).jobs.Kick() }

// build wishes for the sets of visible loans of a call's tenant.
func (w *work) build(c *gate.Call) { w.buildFor(c.Tenant) }

func (w *work) buildFor(t *tenant.Tenant) {
	select {
	case w.of(t).build <- struct{}{}:
	default: // it is wished for already
	}
}

// Run does the work of every tenant until ctx ends. Tenants that are made
// meanwhile join in.
func (h *House) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	start := func(t *tenant.Tenant) {
		k := h.work.of(t)
		if err := h.Onboarding.Sweep(ctx, t, true); err != nil {
			h.Config.Log.Error("could not clear away what a killed import left; it stays invisible", "tenant", t.Slug, "error", err)
		}
		group.Go(func() error { return k.jobs.Run(ctx) })
		group.Go(func() error { return ended(ctx, t.Trail.Run(ctx)) })
		group.Go(func() error { return h.work.builds(ctx, t, k) })
		h.work.buildFor(t)
	}
	h.work.mu.Lock()
	h.work.begin = start
	h.work.mu.Unlock()
	for _, t := range h.Directory.All() {
		start(t)
	}
	group.Go(func() error { <-ctx.Done(); return nil })
	return group.Wait()
}

// joined starts the work of a tenant that has just been made.
func (w *work) joined(t *tenant.Tenant) {
	w.mu.Lock()
	start := w.begin
	w.mu.Unlock()
	if start != nil {
		start(t)
	}
}

// ended forgives an error that only says that the context has ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// builds builds sets of visible loans whenever it is wished for.
func (w *work) builds(ctx context.Context, t *tenant.Tenant, k *worker) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.build:
			if err := w.house.Servicing.BuildVisibleSets(ctx, t); err != nil && ctx.Err() == nil {
				w.house.Config.Log.Error("could not build the sets of visible loans; restricted lists are slower until it succeeds", "tenant", t.Slug, "error", err)
			}
		}
	}
}

// resetMail sends a reset link. A job for nobody does nothing: it is there so
// that asking costs the same whether the address is known or not.
func (h *House) resetMail(t *tenant.Tenant) job.Handler {
	return func(ctx context.Context, j job.Job) error {
		var p signin.ResetMail
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			return fmt.Errorf("reading the job: %w", err)
		}
		if p.User == "" {
			return nil
		}
		token, err := t.Ring.OpenToken(signin.ResetMailKind, p.Sealed)
		if err != nil {
			return errors.New("the reset token cannot be opened")
		}
		var s identity.Staff
		err = t.DB.Read(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
			s, err = identity.StaffByID(ctx, tx, id.User(p.User))
			return err
		})
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return h.Config.Mail.Send(ctx, mail.Message{To: s.Email, Subject: "Set a new password for " + t.Name,
			Text: "Somebody, hopefully you, asked to set a new password for " + t.Name + ".\n\n" +
				"Open this link within an hour:\n" + h.Config.URL + door.ResetPath + "?token=" + string(token) + "\n\n" +
				"If it was not you, do nothing: your password stays as it is.\n"})
	}
}
