package onboarding

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

// quay is a house with the servicing desk and the room for files.
type quay struct {
	*gatetest.House
	s *servicing.Desk
	d *Desk
}

func build(q *quay) func() gatetest.Config {
	return func() gatetest.Config {
		q.s, q.d = servicing.New(servicing.Config{}), New(Config{})
		return gatetest.Config{Operations: append(q.s.Operations(), q.d.Operations()...), Vocabulary: q.s.Vocabulary}
	}
}

func each(t *testing.T, fn func(t *testing.T, q quay)) {
	var q quay
	gatetest.Each(t, build(&q), func(t *testing.T, h *gatetest.House) {
		q.House = h
		if _, err := gatetest.Do(h, q.s.PortfolioCreate, q.Key("manager"), servicing.NamedCreateIn{Name: "Acme"}); err != nil {
			t.Fatal(err)
		}
		fn(t, q)
	})
}

const someBorrowers = "reference,first_name,last_name,email,phone,date_of_birth,ssn,line1,city,region,postal_code,country\n" +
	"C-1,Ann,Ångström,ann@example.com,+1 212 555 0123,1980-05-17,078-05-1120,1 Main Street,New York,NY,10001,us\n" +
	"C-2,Bob,\"O\"\"Neil, Jr\",,,,,,,CA,,US\n"

const loanHeader = "number,borrower_reference,principal,annual_rate,term_months,contract_date,portfolios,payments_made\n"

const someLoans = loanHeader +
	"A-1,C-1,1200.00,0,12,2026-05-22,Acme,6\n" +
	"A-2,C-2,5000,7.35,24,2026-01-31,,\n"

func (q quay) take(t testing.TB, kind, text string, partial bool) (Report, error) {
	t.Helper()
	opt := ImportOptions{Partial: partial, Size: int64(len(text))}
	at := q.Now().UnixMicro()
	if kind == borrowers {
		return q.d.ImportBorrowers(context.Background(), q.Tenant, at, strings.NewReader(text), opt)
	}
	return q.d.ImportLoans(context.Background(), q.Tenant, at, strings.NewReader(text), opt)
}

func (q quay) land(t testing.TB, kind, text string) Report {
	t.Helper()
	r, err := q.take(t, kind, text, false)
	if err != nil {
		t.Fatalf("%v\n%+v", err, r)
	}
	return r
}

func (q quay) loans(t testing.TB) *servicing.LoanListOut {
	t.Helper()
	out, err := gatetest.Do(q.House, q.s.LoanList, q.Key("manager"), servicing.LoanListIn{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestABookArrivesWhole(t *testing.T) {
	each(t, func(t *testing.T, q quay) {
		if r := q.land(t, borrowers, "\ufeff"+strings.ReplaceAll(someBorrowers, "\n", "\r\n")); r.Imported != 2 || r.Rows != 2 {
			t.Fatalf("report %+v", r)
		}
		r := q.land(t, loans, someLoans)
		if r.Imported != 2 || !r.Portfolio || len(r.FileHash) != 64 {
			t.Fatalf("report %+v", r)
		}
		got := q.loans(t)
		if got.Total != 2 || got.Items[0].PrincipalBalance.String() != "600.00" || got.Items[0].DaysPastDue != 0 || got.Items[1].Borrower.Name != `Bob O"Neil, Jr` {
			t.Fatalf("loans %+v", got)
		}
		found, err := gatetest.Do(q.House, q.s.LoanList, q.Key("manager"), servicing.LoanListIn{Q: "ANN@example.com"})
		if err != nil || found.Total != 1 || found.Items[0].Number != "A-1" {
			t.Fatalf("found %+v, %v", found, err)
		}
		b, err := gatetest.Do(q.House, q.s.BorrowerReveal, q.Key("manager"), servicing.BorrowerRevealIn{ID: string(found.Items[0].Borrower.ID), Field: "ssn", Reason: "check"})
		if err != nil || b.Value != "078051120" {
			t.Fatalf("revealed %+v, %v", b, err)
		}
		end := q.Trail(t, audit.Filter{Operation: "import.loans"})
		slices.SortFunc(end, func(a, b audit.Entry) int { return strings.Compare(a.Detail["phase"], b.Detail["phase"]) })
		if len(end) != 2 || end[0].Detail["phase"] != "begin" || end[1].Detail["imported"] != "2" || end[1].Detail["file_sha256"] != r.FileHash {
			t.Fatalf("trail %+v", end)
		}
	})
}

func TestTheGateTakesAFile(t *testing.T) {
	each(t, func(t *testing.T, q quay) {
		out, err := gatetest.Do(q.House, q.d.Borrowers, q.Key("manager"), ImportIn{CSV: someBorrowers})
		if err != nil || out.Imported != 2 {
			t.Fatalf("%+v %v", out, err)
		}
		version := func() (v int64) {
			err := q.Write(func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, `SELECT version FROM policy_version WHERE id = 1`, nil, &v)
			})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		before := version()
		out, err = gatetest.Do(q.House, q.d.Loans, q.Key("manager"), ImportIn{CSV: someLoans})
		if err != nil || out.Imported != 2 || q.loans(t).Total != 2 || version() != before+1 {
			t.Fatalf("%+v %v", out, err)
		}
		if _, err := gatetest.Do(q.House, q.d.Loans, q.Key("agent"), ImportIn{CSV: someLoans}); !fault.Is(err, fault.Denied) {
			t.Fatalf("an agent: %v", err)
		}
		_, err = gatetest.Do(q.House, q.d.Loans, q.Key("manager"), ImportIn{CSV: someLoans})
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || len(f.Fields) != 2 || f.Fields[0].Path != "line 2.number" {
			t.Fatalf("the same file again: %v", err)
		}
	})
}

// what was wrong is told by line and column; nothing of a bad file is there.
func TestBadFiles(t *testing.T) {
	good := "B-1,C-1,100.00,5,12,2026-01-01,,\n"
	cases := []struct {
		name, text string
		want       []string // line column
	}{
		{"nothing", "", []string{"1 "}},
		{"no header", good, []string{"1 ", "1 ", "1 ", "1 ", "1 ", "1 ", "1 ", "1 ", "1 number", "1 borrower_reference", "1 principal", "1 annual_rate", "1 term_months", "1 contract_date"}},
		{"an unknown column", strings.Replace(loanHeader, "portfolios", "password", 1) + good, []string{"1 "}},
		{"a column twice", strings.Replace(loanHeader, "portfolios", "number", 1) + good, []string{"1 number"}},
		{"UTF-16", "\xff\xfen\x00u\x00m\x00", []string{"1 ", "1 number", "1 borrower_reference", "1 principal", "1 annual_rate", "1 term_months", "1 contract_date"}},
		{"too few fields", loanHeader + "B-1,C-1\n" + good, []string{"2 "}},
		{"a bare quote", loanHeader + `B"1,C-1,100,5,12,2026-01-01,,` + "\n", []string{"2 "}},
		{"an open quote", loanHeader + good + `"B-2,C-1,100,5,12,2026-01-01,,` + "\n", []string{"3 "}},
		{"a record without end", loanHeader + good + `"` + strings.Repeat("x", 3*maxRecord), []string{"3 "}},
		{"a huge field", loanHeader + strings.Repeat("9", 2000) + ",C-1,100,5,12,2026-01-01,,\n", []string{"2 number"}},
		{"broken UTF-8", loanHeader + "B\xff,C-1,100,5,12,2026-01-01,,\n", []string{"2 number"}},
		{"a null character", loanHeader + "B\x00,C-1,100,5,12,2026-01-01,,\n", []string{"2 number"}},
		{"a formula", loanHeader + "=1+1,C-1,100,5,12,2026-01-01,,\n", []string{"2 number"}},
		{"a card number", loanHeader + "4111111111111111,C-1,100,5,12,2026-01-01,,\n", []string{"2 number"}},
		{"money that is none", loanHeader + "B-1,C-1,1e3,5,12,2026-01-01,,\n", []string{"2 principal"}},
		{"less than no money", loanHeader + "B-1,C-1,-100,5,12,2026-01-01,,\n", []string{"2 principal"}},
		{"no money", loanHeader + "B-1,C-1,0,5,12,2026-01-01,,\n", []string{"2 principal"}},
		{"all the money of the world", loanHeader + "B-1,C-1,99999999999999999999,5,12,2026-01-01,,\n", []string{"2 principal"}},
		{"every field at once", loanHeader + "B-1,C-1,x,x,x,x,x,x\n", []string{"2 principal", "2 annual_rate", "2 term_months", "2 contract_date", "2 portfolios"}},
		{"a day that is none", loanHeader + "B-1,C-1,100,5,12,2026-02-30,,\n", []string{"2 contract_date"}},
		{"too long a term", loanHeader + "B-1,C-1,100,5,601,2026-01-01,,\n", []string{"2 term_months"}},
		{"more payments than instalments due", loanHeader + "B-1,C-1,100,5,12,2026-01-01,,11\n", []string{"2 payments_made"}},
		{"the same number twice", loanHeader + good + good, []string{"3 number"}},
		{"a number that is there already", loanHeader + "A-1,C-1,100,5,12,2026-01-01,,\n", []string{"2 number"}},
		{"nobody's loan", loanHeader + "B-1,C-99,100,5,12,2026-01-01,,\n", []string{"2 borrower_reference"}},
	}
	each(t, func(t *testing.T, q quay) {
		q.land(t, borrowers, someBorrowers)
		q.land(t, loans, someLoans)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				r, err := q.take(t, loans, c.text, false)
				if !fault.Is(err, fault.Invalid) {
					t.Fatalf("got %v", err)
				}
				var got []string
				for _, p := range r.Problems {
					got = append(got, fmt.Sprintf("%d %s", p.Line, p.Column))
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Fatalf("%s\n%+v", diff, r.Problems)
				}
				if n := q.loans(t).Total; n != 2 {
					t.Fatalf("%d loans are there", n)
				}
			})
		}
		q.nothingLeft(t, 2)
	})
}

// A card number in a file is a bad row, also split over cells and in disguise; the
// trail tells where it stood and its last four digits, and a book whose numbers
// happen to follow each other like those of a card is taken.
func TestCardNumbersInAFile(t *testing.T) {
	const head = "reference,first_name,last_name,line1,city\n"
	each(t, func(t *testing.T, q quay) {
		for _, c := range []struct{ row, where, sign string }{
			{"B-9,Ann,Lee,4111 1111 1111 1111,Town", "line 2.line1", "**** 1111"},
			{"B-9,41111111,11111111,1 Main Street,Town", "line 2.first_name, line 2.last_name", "****, ****"},
			{"B-9,Ann,Lee,&#52;111111111111111,Town", "line 2.line1", "****"},
		} {
			_, err := gatetest.Do(q.House, q.d.Borrowers, q.Key("manager"), ImportIn{CSV: head + c.row + "\n"})
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || strings.Contains(f.Error(), "1111") {
				t.Fatalf("%s: %v", c.row, err)
			}
			if !q.told(t, operation.Failed, c.where, c.sign) {
				t.Errorf("%s: no entry tells of it", c.row)
			}
		}
		text := head + "41111111,11111111,Lee,1 Main Street,Town\n" + "B-9,Ann,Lee,4111 1111 1111 1111,Town\n"
		out, err := gatetest.Do(q.House, q.d.Borrowers, q.Key("manager"), ImportIn{CSV: text, Partial: true})
		if err != nil || out.Imported != 1 || out.BadRows != 1 {
			t.Fatalf("%+v %v", out, err)
		}
		if !q.told(t, operation.Allowed, "line 3.line1", "**** 1111") {
			t.Error("no entry tells of the row that was left out")
		}
	})
}

// told reports an entry with that outcome which says where a card number stood.
func (q quay) told(t *testing.T, outcome operation.Outcome, where, sign string) bool {
	return slices.ContainsFunc(q.Trail(t, audit.Filter{Operation: "import.borrowers"}), func(e audit.Entry) bool {
		return e.Outcome == outcome && e.Detail["card_number_in"] == where && e.Detail["card_number"] == sign
	})
}

func (q quay) nothingLeft(t *testing.T, loansThere int64) {
	t.Helper()
	var rows, runs int64
	err := q.Write(func(ctx context.Context, tx *db.Tx) error {
		if err := tx.One(ctx, `SELECT COUNT(*) FROM import_run WHERE landed_at = 0`, nil, &runs); err != nil {
			return err
		}
		return tx.One(ctx, `SELECT COUNT(*) FROM loan`, nil, &rows)
	})
	if err != nil || rows != loansThere || runs != 0 {
		t.Fatalf("%d loans and %d runs are left, %v", rows, runs, err)
	}
}

func TestBadBorrowers(t *testing.T) {
	each(t, func(t *testing.T, q quay) {
		text := "reference,first_name,last_name,email,phone,ssn,date_of_birth,country\n" +
			"C-1,Ann,Lee,not an address,1,12,2099-01-01,USA\n" +
			"C-2,,Lee,,,,,\n" +
			"C-3,Ann,Lee,,,,,\n" +
			"C-3,Ann,Lee,,,,,\n"
		r, err := q.take(t, borrowers, text, false)
		if !fault.Is(err, fault.Invalid) || r.BadRows != 3 {
			t.Fatalf("%+v %v", r, err)
		}
		var columns []string
		for _, p := range r.Problems {
			columns = append(columns, fmt.Sprintf("%d %s", p.Line, p.Column))
		}
		if diff := cmp.Diff([]string{"2 email", "2 phone", "2 country", "2 ssn", "2 date_of_birth", "3 first_name", "5 reference"}, columns); diff != "" {
			t.Fatal(diff)
		}
		if r, err = q.take(t, borrowers, text, true); err != nil || r.Imported != 1 || r.BadRows != 3 {
			t.Fatalf("the good rows alone: %+v %v", r, err)
		}
	})
}

func TestPartialTakesTheGoodRows(t *testing.T) {
	each(t, func(t *testing.T, q quay) {
		q.land(t, borrowers, someBorrowers)
		r, err := q.take(t, loans, someLoans+"A-3,C-1,zero,5,12,2026-01-01,,\nA-4,C-9,100,5,12,2026-01-01,,\n", true)
		if err != nil || r.Imported != 2 || r.BadRows != 2 || r.Rows != 4 || q.loans(t).Total != 2 {
			t.Fatalf("%+v %v", r, err)
		}
	})
}

// Whoever dies in the middle leaves nothing to be seen, and the next start
// clears it away.
func TestAnImportThatDiedIsSeenByNobody(t *testing.T) {
	each(t, func(t *testing.T, q quay) {
		ctx := context.Background()
		q.land(t, borrowers, someBorrowers)
		q.land(t, loans, loanHeader+"Z-1,C-1,100,5,12,2026-01-01,Acme,\n")
		tab, err := q.d.table(ctx, q.Tenant, q.Now().UnixMicro(), loans, "house/import")
		if err != nil {
			t.Fatal(err)
		}
		s, err := stage(ctx, q.Tenant, loans, tab, strings.NewReader(someLoans), ImportOptions{})
		if err != nil || s.Report.Imported != 2 {
			t.Fatalf("%+v %v", s, err)
		}
		var hidden string
		if err := q.Write(func(ctx context.Context, tx *db.Tx) error {
			return tx.One(ctx, `SELECT id FROM loan WHERE number = 'A-1'`, nil, &hidden)
		}); err != nil {
			t.Fatal(err)
		}
		for _, in := range []servicing.LoanListIn{{}, {Status: "active"}, {Portfolio: "Acme"}, {Sort: "-principal_balance"}, {Q: "ann"}} {
			got, err := gatetest.Do(q.House, q.s.LoanList, q.Key("manager"), in)
			if err != nil || got.Total != 1 || len(got.Items) != 1 || got.Items[0].Number != "Z-1" {
				t.Fatalf("%+v shows %+v, %v", in, got, err)
			}
		}
		if got, err := gatetest.Do(q.House, q.s.LoanList, q.Key("manager"), servicing.LoanListIn{Q: "A-"}); err != nil || got.Total != 0 || len(got.Items) != 0 {
			t.Fatalf("searched and found %+v, %v", got, err)
		}
		if _, err := gatetest.Do(q.House, q.s.LoanView, q.Key("manager"), servicing.LoanRef{ID: hidden}); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a loan that has not landed: %v", err)
		}
		if _, err := gatetest.Do(q.House, q.s.PaymentLog, q.Key("manager"), servicing.PaymentLogIn{ID: hidden, Amount: 100}); !fault.Is(err, fault.NotFound) {
			t.Fatalf("a payment on it: %v", err)
		}
		q.Advance(3 * time.Minute)
		if err := q.d.Sweep(ctx, q.Tenant, true); err != nil {
			t.Fatal(err)
		}
		q.nothingLeft(t, 1)
		if err := q.Write(func(ctx context.Context, tx *db.Tx) error { return land(ctx, tx, s) }); !fault.Is(err, fault.Conflict) {
			t.Fatalf("landing a run that was cleared away: %v", err)
		}
		q.land(t, loans, someLoans)
	})
}

// broken fails in the middle of a file.
type broken struct{ r *strings.Reader }

func (b broken) Read(p []byte) (int, error) {
	if b.r.Len() == 0 {
		return 0, errors.New("the disk is gone")
	}
	return b.r.Read(p)
}

func TestAFileThatCannotBeReadToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, q quay) {
		q.land(t, borrowers, someBorrowers)
		_, err := q.d.ImportLoans(context.Background(), q.Tenant, q.Now().UnixMicro(), broken{strings.NewReader(someLoans)}, ImportOptions{})
		if !fault.Is(err, fault.Malformed) {
			t.Fatalf("got %v", err)
		}
		q.nothingLeft(t, 0)
	})
}

// many writes a file of n loans of n/2 borrowers.
func many(n int) (people, book string) {
	var p, b strings.Builder
	p.WriteString("reference,first_name,last_name,email,phone,date_of_birth,ssn,line1,city,region,postal_code,country\n")
	for i := range n / 2 {
		fmt.Fprintf(&p, "C-%d,Ann%d,Lee%d,ann%d@example.com,+1 212 555 %04d,1980-05-17,078-05-%04d,%d Main Street,New York,NY,10001,US\n", i, i%100, i%1000, i, i%10000, i%10000, i)
	}
	b.WriteString(loanHeader)
	for i := range n {
		fmt.Fprintf(&b, "M-%d,C-%d,%d.00,7.35,36,2026-%02d-%02d,Acme,%d\n", i, i%(n/2), 1000+i%9000, 1+i%9, 1+i%28, i%2)
	}
	return p.String(), b.String()
}

// A file of 100,000 loans, by hand: LENDKEEP_IMPORT_ROWS=100000.
func TestAHundredThousandLoansAndNobodyWaits(t *testing.T) {
	n := 1200
	if os.Getenv("LENDKEEP_IMPORT_ROWS") != "" {
		fmt.Sscan(os.Getenv("LENDKEEP_IMPORT_ROWS"), &n)
	}
	people, text := many(n)
	each(t, func(t *testing.T, q quay) {
		begun := time.Now()
		q.land(t, borrowers, people)
		t.Logf("%d borrowers in %v", n/2, time.Since(begun))
		stop := make(chan struct{})
		var wait sync.WaitGroup
		var worst time.Duration
		writes := 0
		wait.Add(1)
		go func() {
			defer wait.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				one := time.Now()
				err := q.Tenant.DB.Write(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE portfolio SET created_at = created_at + 1`)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				worst, writes = max(worst, time.Since(one)), writes+1
				time.Sleep(time.Millisecond)
			}
		}()
		begun = time.Now()
		var told int64
		_, err := q.d.ImportLoans(context.Background(), q.Tenant, q.Now().UnixMicro(), strings.NewReader(text),
			ImportOptions{Size: int64(len(text)), Progress: func(done, total int64) {
				if done < told || done > total {
					t.Errorf("progress went from %d to %d of %d", told, done, total)
				}
				told = done
			}})
		took := time.Since(begun)
		close(stop)
		wait.Wait()
		if err != nil || told != int64(len(text)) {
			t.Fatalf("read %d of %d: %v", told, len(text), err)
		}
		t.Logf("%d loans in %v; another user wrote %d times, the longest wait was %v", n, took, writes, worst)
		if got := q.loans(t); got.Total != int64(n) {
			t.Fatalf("%d loans", got.Total)
		}
	})
}

// FuzzFile holds that no file, however hostile, panics, takes unbounded memory
// or is reported without lines.
func FuzzFile(f *testing.F) {
	f.Add([]byte(someLoans))
	f.Add([]byte(someBorrowers))
	f.Add([]byte("\ufeffnumber\r\n\"a\"\"b\"\r\n"))
	f.Add([]byte(loanHeader + "\"\n\n,,,\x00\xff=cmd"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, bad, err := open(strings.NewReader(string(raw)), (&lent{}).columns())
		if err != nil || len(bad) > 0 {
			return
		}
		x := &lent{at: 1, today: 740000, seen: map[string]int{}}
		for last := 0; ; {
			r, err := s.next()
			if err != nil {
				break
			}
			if r.line < last {
				t.Fatalf("line %d after line %d", r.line, last)
			}
			last = r.line
			if len(r.bad) == 0 {
				x.read(r)
			}
			for _, p := range r.bad {
				if p.Line != r.line || p.Reason == "" {
					t.Fatalf("a problem without line or reason: %+v", p)
				}
			}
		}
	})
}
