package parts

import (
	"strconv"
	"time"
)

// Moment is an instant as a screen shows it: Text in the line, Full (with
// seconds and zone) on hover and for screen readers, Machine for <time>.
type Moment struct {
	Machine, Text, Full string
}

// At shows an instant (unix microseconds) as "2026-11-22 14:02" in the zone.
func At(micros int64, zone *time.Location) Moment {
	t := time.UnixMicro(micros).In(zone)
	return Moment{
		Machine: t.UTC().Format(time.RFC3339),
		Text:    t.Format("2006-01-02 15:04"),
		Full:    t.Format("2006-01-02 15:04:05 MST"),
	}
}

// Ends shows until when something lasts: what is over as a day begins lasts to the end
// of the day before, and people name that one.
func Ends(micros int64, zone *time.Location) Moment {
	m, t := At(micros, zone), time.UnixMicro(micros).In(zone)
	if h, min, s := t.Clock(); h+min+s == 0 {
		m.Text = t.AddDate(0, 0, -1).Format("2006-01-02")
	}
	return m
}

// Clock shows an instant as "14:02:11", for lists of one day.
func Clock(micros int64, zone *time.Location) Moment {
	m := At(micros, zone)
	m.Text = time.UnixMicro(micros).In(zone).Format("15:04:05")
	return m
}

// Ago shows an instant as the time that has passed until now: "just now",
// "2 min", "3 h", "5 d", and the date itself from 30 days on. An instant after
// now (clocks differ) is "just now".
func Ago(micros, now int64, zone *time.Location) Moment {
	m := At(micros, zone)
	switch s := (now - micros) / 1_000_000; {
	case s < 60:
		m.Text = "just now"
	case s < 3600:
		m.Text = strconv.FormatInt(s/60, 10) + " min"
	case s < 86400:
		m.Text = strconv.FormatInt(s/3600, 10) + " h"
	case s < 30*86400:
		m.Text = strconv.FormatInt(s/86400, 10) + " d"
	default:
		m.Text = m.Text[:10]
	}
	return m
}

// Count groups the digits of a whole number: "3,214".
func Count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Things is a number of things whose plural ends in s: "1 loan", "3,214 loans".
func Things(n int, thing string) string { return plural(n, thing, thing+"s") }

// plural gives "1 rule" or "2 rules".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}
