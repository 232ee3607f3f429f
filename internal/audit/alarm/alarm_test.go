package alarm_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/alarm"
)

// An alarm rings at the first entry that cannot be written, says so again once a
// minute however many calls come to nothing, and ends when somebody has written.
func TestAnAlarmRingsUntilItIsEnded(t *testing.T) {
	now, log := int64(1_000_000), new(bytes.Buffer)
	a := alarm.New(alarm.Config{Now: func() int64 { return now }, Log: slog.New(slog.NewTextHandler(log, nil)), Tenant: "tn_1"})
	if a.State().Rings() {
		t.Error("it rings although nothing has happened")
	}
	for range 100 {
		a.Ring(errors.New("the disk is full"))
		now += time.Second.Microseconds()
	}
	if s := a.State(); s.Since != 1_000_000 || s.Calls != 100 {
		t.Errorf("the state is %+v", s)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 || strings.Count(log.String(), "alarm=audit_unwritten") != n {
		t.Errorf("%d lines in 100 seconds:\n%s", n, log)
	}
	select {
	case <-a.Rung():
	default:
		t.Error("nobody was woken")
	}
	if was := a.End(); was.Calls != 100 || a.State().Rings() || !strings.Contains(log.String(), "state=ended") {
		t.Errorf("it ended as %+v", was)
	}
	if a.End().Rings() {
		t.Error("it ended twice")
	}
	a.Ring(errors.New("again"))
	if s := a.State(); s.Since != now || s.Calls != 1 {
		t.Errorf("the next alarm is %+v", s)
	}
}
