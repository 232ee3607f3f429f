package house

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/once"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// work is what goes on behind the fronts, for each tenant: durable jobs, the
// sequencer of the audit trail and its witnesses, and the building of sets of visible
// loans.
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
		handlers := map[string]job.Handler{signin.ResetMailKind: w.house.linkMail(t, signin.ResetMailKind), people.InvitationMailKind: w.house.linkMail(t, people.InvitationMailKind)}
		maps.Copy(handlers, w.house.Origination.Handlers(w.house.Gate, t))
		maps.Copy(handlers, w.house.Requests.Handlers(t, w.house.Config.Mail, w.house.origin(t)))
		maps.Copy(handlers, w.house.Recovery.Handlers(w.house.Gate, t, w.house.Config.Mail, w.house.origin(t)))
		maps.Copy(handlers, w.house.Custody.Handlers(w.house.Gate, t))
		maps.Copy(handlers, w.house.Retention.Handlers(w.house.Gate, t))
		maps.Copy(handlers, w.house.Privacy.Handlers(w.house.Gate, t))
		maps.Copy(handlers, once.Handlers(t))
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
		if err := h.Custody.Resume(ctx, t); err != nil && ctx.Err() == nil {
			h.Config.Log.Error("could not see to the key rotations; they go on after the next start", "tenant", t.Slug, "error", err)
		}
		if err := h.Retention.Resume(ctx, t); err != nil && ctx.Err() == nil {
			h.Config.Log.Error("could not see to the retention of the audit trail; entries stay longer than they need to", "tenant", t.Slug, "error", err)
		}
		if err := h.Privacy.Resume(ctx, t); err != nil {
			h.Config.Log.Error("could not see to the erasures; they go on after the next start", "tenant", t.Slug, "error", err)
		}
		if err := once.Resume(ctx, t); err != nil && ctx.Err() == nil {
			h.Config.Log.Error("could not see to the answers kept for repeated calls; they stay longer than they need to", "tenant", t.Slug, "error", err)
		}
		group.Go(func() error { return k.jobs.Run(ctx) })
		signed := make(chan struct{}) // closed when the last checkpoint is
		group.Go(func() error { defer close(signed); return ended(ctx, t.Trail.Run(ctx)) })
		group.Go(func() error { return h.work.builds(ctx, t, k) })
		group.Go(func() error { return h.work.follows(ctx, t) })
		group.Go(func() error { return h.witnessed(ctx, t, signed) })
		group.Go(func() error { return h.watched(ctx, t) })
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

// follows keeps up with the tenant's key ring, which another node may turn.
func (w *work) follows(ctx context.Context, t *tenant.Tenant) error {
	tick := time.NewTicker(keys.RefreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := t.Ring.Refresh(ctx); err != nil && ctx.Err() == nil {
				w.house.Config.Log.Error("could not look at the tenant's key ring; sealing stops when the lease ends", "tenant", t.Slug, "error", err)
			}
		}
	}
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
