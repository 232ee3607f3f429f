package civil

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestEveryDayComesBack(t *testing.T) {
	day := time.Date(MinYear, 1, 1, 0, 0, 0, 0, time.UTC)
	var before Date
	for ; day.Year() <= MaxYear; day = day.AddDate(0, 0, 1) {
		d, err := Of(day.Date())
		if err != nil {
			t.Fatal(err)
		}
		text := day.Format(time.DateOnly)
		if d.String() != text {
			t.Fatalf("%s prints %s", text, d)
		}
		if again, err := Parse(text); err != nil || again != d {
			t.Fatalf("%s read as %d %v", text, again, err)
		}
		if y, m, n := d.YMD(); y != day.Year() || m != day.Month() || n != day.Day() {
			t.Fatalf("%s is %d %d %d", text, y, m, n)
		}
		if before != 0 && d.Sub(before) != 1 {
			t.Fatalf("%s does not follow %s", d, before)
		}
		before = d
	}
	if before != Must(MaxYear, 12, 31) {
		t.Errorf("the days ended on %s", before)
	}
}

func TestMustPanicsOnNoDate(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Must took a day that does not exist")
		}
	}()
	Must(2026, 2, 30)
}

func TestTheCountBeginsInTheYearOne(t *testing.T) {
	if d := Must(1970, 1, 1); d != 719163 {
		t.Errorf("1970-01-01 is day %d", d)
	}
	if d := Must(2026, 11, 22); d != 739942 {
		t.Errorf("2026-11-22 is day %d", d)
	}
}

func TestWhatIsNoDate(t *testing.T) {
	for _, text := range []string{
		"", "2026-02-29", "2100-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "2026-04-31", "1899-12-31", "2300-01-01", "0000-00-00", "2026-1-1", "2026/01/01", "26-01-01", "2026-01-01 ", " 2026-01-01",
		"2026-01-01T00:00:00Z", "20260101", "٢٠٢٦-٠١-٠١", "+026-01-01", "-026-01-01", "2026-0x-01", "2026-01-1\n",
	} {
		if d, err := Parse(text); !errors.Is(err, ErrDate) || d != 0 {
			t.Errorf("%q: %s %v", text, d, err)
		}
	}
	for _, text := range []string{"2024-02-29", "2000-02-29", "1900-01-01", "2299-12-31"} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func draw(t *rapid.T, name string) Date {
	first, last := Must(MinYear, 1, 1), Must(MaxYear, 12, 31)
	return Date(rapid.Int32Range(int32(first), int32(last)).Draw(t, name))
}

// The day of the month is kept, or is the month's last; the month is the one
// that package time counts to from the first of the month.
func TestMonthsKeepTheirDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := draw(t, "date"), rapid.IntRange(-1200, 1200).Draw(t, "months")
		y, m, day := d.YMD()
		first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		want := time.Date(first.Year(), first.Month(), min(day, DaysIn(first.Year(), first.Month())), 0, 0, 0, 0, time.UTC)
		if got := d.AddMonths(n); got.String() != want.Format(time.DateOnly) {
			t.Fatalf("%s and %d months is %s, want %s", d, n, got, want.Format(time.DateOnly))
		}
		if day <= 28 && d.AddMonths(n).AddMonths(-n) != d {
			t.Fatalf("%s and %d months does not lead back", d, n)
		}
		if a, b := d.AddMonths(n), d.AddMonths(n+1); a >= b {
			t.Fatalf("%s comes after %s", a, b)
		}
	})
	for from, want := range map[string]string{"2024-01-31": "2024-02-29", "2026-01-31": "2026-02-28", "2026-12-31": "2027-01-31", "2026-03-31": "2026-04-30"} {
		d, err := Parse(from)
		if err != nil || d.AddMonths(1).String() != want {
			t.Errorf("%s and a month is %s", from, d.AddMonths(1))
		}
	}
}

func TestDaysAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := draw(t, "date"), rapid.IntRange(-50000, 50000).Draw(t, "days")
		y, m, day := d.YMD()
		want := time.Date(y, m, day+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if got := d.AddDays(n); got.String() != want || got.Sub(d) != n {
			t.Fatalf("%s and %d days is %s, want %s", d, n, got, want)
		}
	})
}

// An instant is another day in another zone, also where the clocks change.
func TestAnInstantHasItsDayInAZone(t *testing.T) {
	berlin, auckland := time.FixedZone("Berlin", 3600), time.FixedZone("Auckland", 13*3600)
	at := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC).UnixMicro()
	for zone, want := range map[*time.Location]string{time.UTC: "2026-11-22", berlin: "2026-11-23", auckland: "2026-11-23", time.FixedZone("", -23*3600): "2026-11-22"} {
		if got := In(at, zone); got.String() != want {
			t.Errorf("in %s it is %s", zone, got)
		}
	}
	if got := In(-1, time.UTC); got.String() != "1969-12-31" {
		t.Errorf("before 1970 it is %s", got)
	}
}

func TestDatesInJSONAndStore(t *testing.T) {
	type row struct {
		Due  Date          `json:"due"`
		None Date          `json:"none"`
		Keys map[Date]bool `json:"keys"`
	}
	raw, err := json.Marshal(row{Due: Must(2026, 11, 22), Keys: map[Date]bool{Must(2026, 1, 2): true}})
	if err != nil || string(raw) != `{"due":"2026-11-22","none":null,"keys":{"2026-01-02":true}}` {
		t.Errorf("%s %v", raw, err)
	}
	var back row
	if err := json.Unmarshal(raw, &back); err != nil || back.Due != Must(2026, 11, 22) || back.None != 0 || !back.Keys[Must(2026, 1, 2)] {
		t.Errorf("%+v %v", back, err)
	}
	d := Must(2026, 11, 22)
	for _, raw := range []string{`""`, `"x"`, `20261122`, `"2026-02-30"`, `true`, `"2026-11-22T00:00:00Z"`, `{}`} {
		if err := json.Unmarshal([]byte(raw), &d); err == nil {
			t.Errorf("JSON %s was taken", raw)
		}
	}
	value, err := d.Value()
	if err != nil || value != int64(d) {
		t.Errorf("stored as %v %v", value, err)
	}
	var read Date
	if err := read.Scan(value); err != nil || read != d {
		t.Errorf("read as %s %v", read, err)
	}
	for _, v := range []any{nil, "2026-11-22", 1.5, time.Now(), int64(math.MaxInt64), int64(math.MinInt32) - 1} {
		if err := read.Scan(v); err == nil || read != d {
			t.Errorf("scanned %T %v as %s", v, v, read)
		}
	}
	if !Date(0).IsZero() || Date(0).String() != "" || d.IsZero() {
		t.Error("the zero date is no date")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2026-11-22", "2024-02-29", "", "2026-02-30", "9999-99-99", "-001-01-01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		std, stdErr := time.Parse(time.DateOnly, text)
		inRange := stdErr == nil && std.Year() >= MinYear && std.Year() <= MaxYear
		if (err == nil) != inRange || (err == nil && d.String() != text) {
			t.Errorf("%q: %s %v, package time says %v", text, d, err, stdErr)
		}
	})
}
