package money

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAmountsAreReadAndPrinted(t *testing.T) {
	for text, want := range map[string]struct {
		cents   Amount
		printed string
	}{
		"250": {25000, "250.00"}, "250.5": {25050, "250.50"}, "250.00": {25000, "250.00"}, "-3.10": {-310, "-3.10"}, "0": {0, "0.00"}, "-0": {0, "0.00"},
		"0.01": {1, "0.01"}, "-0.01": {-1, "-0.01"}, "007": {700, "7.00"}, "1000000000000.00": {Max, "1000000000000.00"}, "-1000000000000": {-Max, "-1000000000000.00"},
	} {
		got, err := Parse(text)
		if err != nil || got != want.cents || got.String() != want.printed {
			t.Errorf("%q: %d %q %v", text, got, got, err)
		}
	}
}

func TestHostileTextIsNoAmount(t *testing.T) {
	for _, text := range []string{
		"", "-", ".", "-.5", ".5", "5.", "1.234", "1.2.3", "+1", "--1", "1-", "1e3", "0x10", "1,000", "1 000", " 1", "1 ", "1\n", "1\x00", "NaN", "Infinity", "∞",
		"١٢", "１２", "1_000", "$5", "5 USD", "1/2", "−1", "1..2", "0.000", "1'000", "true", "null",
	} {
		if got, err := Parse(text); !errors.Is(err, ErrAmount) || got != 0 {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{
		"1000000000000.01", "-1000000000000.01", "9223372036854775807", "9223372036854775808", "92233720368547758.08", "18446744073709551616", strings.Repeat("9", 10000), "184467440737095516.16",
	} {
		if got, err := Parse(text); !errors.Is(err, ErrRange) || got != 0 {
			t.Errorf("%.20q: %d %v", text, got, err)
		}
	}
}

func TestEveryAmountComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Amount(rapid.Int64Range(-int64(Max), int64(Max)).Draw(t, "cents"))
		if got, err := Parse(a.String()); err != nil || got != a {
			t.Fatalf("%d printed %q read %d %v", int64(a), a, got, err)
		}
		raw, err := json.Marshal(a)
		if err != nil || string(raw) != `"`+a.String()+`"` {
			t.Fatalf("JSON %s %v", raw, err)
		}
		var back Amount
		if err := json.Unmarshal(raw, &back); err != nil || back != a {
			t.Fatalf("JSON came back as %d %v", back, err)
		}
		value, err := a.Value()
		if err != nil || back.Scan(value) != nil || back != a {
			t.Fatalf("stored as %v, read as %d", value, back)
		}
		if plain := strings.ReplaceAll(a.Grouped(), ",", ""); plain != a.String() {
			t.Fatalf("%q grouped is %q", a, a.Grouped())
		}
	})
}

func TestTheEdgesPrint(t *testing.T) {
	for a, want := range map[Amount]string{math.MinInt64: "-92233720368547758.08", math.MaxInt64: "92233720368547758.07"} {
		if a.String() != want {
			t.Errorf("%d prints %q", int64(a), a)
		}
	}
	for a, want := range map[Amount]string{0: "0.00", 99999: "999.99", 100000: "1,000.00", -100000: "-1,000.00", -99999: "-999.99", Max: "1,000,000,000,000.00", 123456789: "1,234,567.89"} {
		if a.Grouped() != want {
			t.Errorf("%d grouped is %q", int64(a), a.Grouped())
		}
	}
}

// Sum is the sum of the integers, or ErrOverflow where a partial sum does not fit.
func TestSumsAreExactOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, math.MaxInt64 / 2, 0, 1, -1})
		list := rapid.SliceOfN(rapid.OneOf(rapid.Int64(), edge), 0, 6).Draw(t, "amounts")
		total, fits := new(big.Int), true
		amounts := make([]Amount, len(list))
		for i, n := range list {
			amounts[i] = Amount(n)
			total.Add(total, big.NewInt(n))
			fits = fits && total.IsInt64()
		}
		got, err := Sum(amounts...)
		if fits && (err != nil || int64(got) != total.Int64()) {
			t.Fatalf("Sum(%v) = %d %v", list, got, err)
		}
		if !fits && (!errors.Is(err, ErrOverflow) || got != 0) {
			t.Fatalf("Sum(%v) = %d %v, want an overflow", list, got, err)
		}
	})
}

func TestOtherTypesAreRefused(t *testing.T) {
	a := Amount(5)
	for _, v := range []any{nil, "250.00", 2.5, []byte("1"), true} {
		if err := a.Scan(v); err == nil || a != 5 {
			t.Errorf("scanned %T", v)
		}
	}
	for _, raw := range []string{`250`, `2.5`, `"x"`, `true`, `{}`, `"1e3"`} {
		if err := json.Unmarshal([]byte(raw), &a); err == nil || a != 5 {
			t.Errorf("JSON %s was taken", raw)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Must took text that is no amount")
		}
	}()
	Must("x")
}

var shape = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,2})?$`)

func FuzzParse(f *testing.F) {
	for _, s := range []string{"250.00", "-3.1", "", ".", "1.", "1e3", "99999999999999999999", "-0", "00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if (err == nil || errors.Is(err, ErrRange)) && !shape.MatchString(text) {
			t.Errorf("%q was read as %d %v", text, a, err)
		}
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok || want.Cmp(big.NewRat(int64(a), 100)) != 0 || a > Max || a < -Max {
			t.Errorf("%q was read as %s", text, a)
		}
	})
}
