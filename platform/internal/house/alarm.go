package house

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/alarm"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

const (
	grace       = 15 * time.Second // before people hear of an alarm: a moment's lock is nobody's night
	firstTry    = 250 * time.Millisecond
	lastTry     = 10 * time.Second
	lookAround  = 10 * time.Minute // how often those who would be told are looked up
	mostTold    = 50
	letterTime  = time.Minute
	afterOutage = time.Second // of the first look, if the database was away
)

// watched looks after the alarm of a tenant's trail until ctx ends. Whom to tell
// is looked up while all is well: when it rings, the database may tell nothing.
func (h *House) watched(ctx context.Context, t *tenant.Tenant) error {
	var told []string
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			list, err := guardians(ctx, t)
			if err != nil {
				look.Reset(afterOutage)
				continue
			}
			told = list
			look.Reset(lookAround)
		case <-t.Trail.Alarm.Rung():
			h.rings(ctx, t, told)
		}
	}
}

// rings tries to write the entry that ends an alarm until it is written, and tells
// people once that it goes on, and then once that it is over. The first entry that
// can be written says for how long none could be.
func (h *House) rings(ctx context.Context, t *tenant.Tenant, to []string) {
	wait, waited, told := firstTry, time.Duration(0), false
	tries := int64(0)
	patience := h.Config.Grace
	if patience == 0 {
		patience = grace
	}
	for {
		s := t.Trail.Alarm.State()
		if !s.Rings() {
			return
		}
		err := t.Trail.Join(ctx, interruption(s, tries, t.DB.Now()))
		if err == nil {
			was := t.Trail.Alarm.End()
			if told {
				h.tell(ctx, t, to, over(t, was, tries, t.DB.Now()))
			}
			return
		}
		tries++
		if !told && waited >= patience {
			told = true
			h.tell(ctx, t, to, begun(t, s))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		waited += wait
		wait = min(2*wait, lastTry)
	}
}

// interruption is the entry that ends an alarm. Our own tries are not calls.
func interruption(s alarm.State, tries, now int64) *audit.Entry {
	return &audit.Entry{Actor: "house/audit", ActorName: "Audit trail", Channel: operation.Job, Operation: records.Interruption, Object: "settings/audit",
		Outcome: operation.Failed, Reason: alarm.Key, Detail: map[string]string{"since": moment(s.Since), "until": moment(now), "calls": strconv.FormatInt(max(0, s.Calls-tries), 10)}}
}

func moment(at int64) string { return time.UnixMicro(at).UTC().Format(time.RFC3339) }

// tell writes to those who have access rights. It does not use the queue of jobs:
// that lies in the database that fails.
func (h *House) tell(ctx context.Context, t *tenant.Tenant, to []string, m mail.Message) {
	ctx, cancel := context.WithTimeout(ctx, letterTime)
	defer cancel()
	for _, m.To = range to {
		if err := h.Config.Mail.Send(ctx, m); err != nil {
			h.Config.Log.Error("a letter about the audit trail was not sent", "alarm", alarm.Key, "tenant", t.Slug, "error", err)
		}
	}
	if len(to) == 0 {
		h.Config.Log.Error("nobody is known who could be told of the audit trail", "alarm", alarm.Key, "tenant", t.Slug)
	}
}

func begun(t *tenant.Tenant, s alarm.State) mail.Message {
	return mail.Message{Subject: "The audit trail of " + t.Name + " cannot be written",
		Text: "Since " + moment(s.Since) + " entries of the audit trail of " + t.Name + " cannot be written.\n\n" +
			"Nothing is done and nothing is shown without an entry, so calls are refused until it can be written again. Nothing that was acknowledged is lost.\n\n" +
			"Whoever runs the server finds the cause in its log (alarm=" + alarm.Key + ") and what to do in the runbook of the audit trail: most often a full disk, or a database that was made read-only.\n\n" +
			"A second letter says when it is over.\n"}
}

func over(t *tenant.Tenant, was alarm.State, tries, now int64) mail.Message {
	return mail.Message{Subject: "The audit trail of " + t.Name + " is written again",
		Text: "From " + moment(was.Since) + " to " + moment(now) + " entries of the audit trail of " + t.Name + " could not be written. It is over.\n\n" +
			strconv.FormatInt(max(0, was.Calls-tries), 10) + " calls came to nothing meanwhile. They left no entry, and none of them was done. The trail holds an entry about the interruption, and the page Proof lists it.\n"}
}

// guardians are the people of a tenant with access rights: whoever may change users
// or roles.
func guardians(ctx context.Context, t *tenant.Tenant) (out []string, err error) {
	err = t.DB.Read(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		var version int64
		if err := tx.One(ctx, `SELECT version FROM policy_version`, nil, &version); err != nil {
			return err
		}
		p, err := t.Policies.At(ctx, tx, version, t.Active)
		if err != nil {
			return err
		}
		staff, err := identity.AllStaff(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range staff {
			if !s.Active || s.Machine || !mail.IsAddress(s.Email) || len(out) == mostTold {
				continue
			}
			who, err := p.Subject(ctx, tx, s.ID, "")
			if err != nil {
				return err
			}
			if slices.Contains(who.Role.UI, "user.update") || slices.Contains(who.Role.UI, "role.update") {
				out = append(out, s.Email)
			}
		}
		return nil
	})
	return out, err
}

// healthy says that the program runs, and nothing else.
func healthy(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, "alive") }

// ready says whether this node can do anything for a tenant by the request's Host;
// by any other name, whether it can for some tenant. It tells strangers no more.
func (h *House) ready(w http.ResponseWriter, r *http.Request) {
	list := h.Directory.All()
	if t := h.Directory.ByHost(r.Host); t != nil {
		list = []*tenant.Tenant{t}
	}
	failing := 0
	for _, t := range list {
		if t.Trail.Alarm.State().Rings() {
			failing++
		}
	}
	switch {
	case failing == 0:
		state(w, http.StatusOK, "ready")
	case failing < len(list):
		state(w, http.StatusOK, "degraded")
	default:
		w.Header().Set("Retry-After", "5")
		state(w, http.StatusServiceUnavailable, "audit_unwritten")
	}
}

func state(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": word}) // the other end may have gone
}

// AlarmOut is a tenant whose entries cannot be written, as `lendkeep doctor` shows it.
type AlarmOut struct {
	Tenant, Since string
	Calls         int64
}

// alarms lists the tenants whose entries cannot be written, for the operator.
func (h *House) alarms(w http.ResponseWriter, _ *http.Request) {
	list := []AlarmOut{}
	for _, t := range h.Directory.All() {
		if s := t.Trail.Alarm.State(); s.Rings() {
			list = append(list, AlarmOut{t.Slug, moment(s.Since), s.Calls})
		}
	}
	slices.SortFunc(list, func(a, b AlarmOut) int { return strings.Compare(a.Tenant, b.Tenant) })
	answer(w, nil, list)
}
