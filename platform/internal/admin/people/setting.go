package people

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Setting is what the tenant decides about its doors.
type Setting struct {
	FactorsRequired bool     `json:"factors_required" class:"public"`
	PasswordDays    int64    `json:"password_days" class:"public" doc:"0: passwords do not expire"`
	LockAfter       int64    `json:"lock_after" class:"public" doc:"wrong passwords or codes in a row"`
	LockMinutes     int64    `json:"lock_minutes" class:"public"`
	FourEyes        []string `json:"four_eyes" class:"public" doc:"operations that a second person must approve"`
}

// SettingIn changes it; fields that are left out stay as they are. What needs
// four eyes is changed elsewhere, with four eyes.
type SettingIn struct {
	FactorsRequired *bool  `json:"factors_required,omitempty"`
	PasswordDays    *int64 `json:"password_days,omitempty" minimum:"0" maximum:"3650"`
	LockAfter       *int64 `json:"lock_after,omitempty" minimum:"3" maximum:"100"`
	LockMinutes     *int64 `json:"lock_minutes,omitempty" minimum:"1" maximum:"1440"`
}

func shownSetting(s policy.Setting) *Setting {
	out := &Setting{FactorsRequired: s.FactorsRequired, PasswordDays: s.PasswordDays, LockAfter: s.LockAfter, LockMinutes: s.LockMinutes, FourEyes: s.FourEyes}
	if out.FourEyes == nil {
		out.FourEyes = []string{}
	}
	return out
}

func (d *Desk) setting() *gate.Op[Nothing, Setting] {
	o := look("access_setting.view", "View sign-in settings", "Sign-in settings", "/settings/access", func(ctx context.Context, c *gate.Call, _ *Nothing) (*Setting, error) {
		s, err := policy.ReadSetting(ctx, c.Tx)
		return shownSetting(s), err
	})
	o.Object = func(*Nothing) string { return "settings/access" }
	return o
}

func (d *Desk) saveSetting() *gate.Op[SettingIn, Setting] {
	o := edit("access_setting.update", "Change sign-in settings", "Sign-in settings", "PATCH", "/settings/access", func(ctx context.Context, c *gate.Call, in *SettingIn) (*Setting, error) {
		was, err := policy.ReadSetting(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		next := was
		if in.FactorsRequired != nil {
			next.FactorsRequired = *in.FactorsRequired
		}
		for to, from := range map[*int64]*int64{&next.PasswordDays: in.PasswordDays, &next.LockAfter: in.LockAfter, &next.LockMinutes: in.LockMinutes} {
			if from != nil {
				*to = *from
			}
		}
		c.Change("factors_required", yes(was.FactorsRequired), yes(next.FactorsRequired))
		number := func(field string, a, b int64) { c.Change(field, strconv.FormatInt(a, 10), strconv.FormatInt(b, 10)) }
		number("password_days", was.PasswordDays, next.PasswordDays)
		number("lock_after", was.LockAfter, next.LockAfter)
		number("lock_minutes", was.LockMinutes, next.LockMinutes)
		return shownSetting(next), policy.SaveSetting(ctx, c.Tx, next)
	})
	o.Object, o.Pairing = func(*SettingIn) string { return "settings/access" }, gate.MayPair
	return o
}
