// Command bench measures one access decision of Lendkeep beside casbin,
// cedar-go and OPA. All four decide about the same office (office.json): a
// tenant, a person, a key, a session, eight address rules of four holders, the
// age of the password, the second factor, a role of ninety operations by
// channel, and what a walkthrough lends on one loan until an instant. A test
// here, and one beside our own decision, hold everybody to the same answers.
//
// It is a module of its own, so that nobody who builds Lendkeep builds its
// peers. Lendkeep's decision lies in an internal package, which no other module
// may import; this program therefore builds that package's benchmark and runs it
// in turns with the peers. A figure is the best of many short turns: a busy
// machine only adds to it, and more so to those who allocate. Making a call
// ready (parsing its address, building the request) is measured for nobody.
//
// A missed target is printed and is not an error.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 40, "how many turns everybody takes")
	turn := flag.Duration("turn", 20*time.Millisecond, "how long a turn is")
	root := flag.String("root", "..", "the folder of Lendkeep's own module")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root, *rounds, *turn); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, rounds int, turn time.Duration) error {
	if rounds < 1 || turn <= 0 {
		return fmt.Errorf("a measurement needs at least one round and some time")
	}
	// A server's heap is larger than this program's: the peers need not collect
	// their garbage as often as so small a heap would make them.
	debug.SetGCPercent(400)
	o, err := readOffice()
	if err != nil {
		return err
	}
	all, err := peers(o)
	if err != nil {
		return err
	}
	ours, err := buildOurs(ctx, root)
	if err != nil {
		return err
	}
	defer ours.remove()
	m := measurement{}
	for round := range rounds {
		if err := m.round(ctx, o, ours, all, turn); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	if err := ours.prefixes(ctx, m, turn); err != nil {
		return err
	}
	fmt.Printf("%s, %d processors, %s; the best and the median of %d turns of %s, taken in turn\n\n",
		processor(), runtime.NumCPU(), runtime.Version(), rounds, turn)
	fmt.Printf("%s\n%s", table(lines(m, all)), legend(all))
	return nil
}

func peers(o *office) ([]peer, error) {
	var all []peer
	for _, teach := range []func() (peer, error){
		func() (peer, error) { return newCasbin(o, "casbin per role", operationFirst) },
		func() (peer, error) { return newCasbin(o, "casbin, role first", roleFirst) },
		func() (peer, error) { return newCachedCasbin(o) },
		func() (peer, error) { return newCedar(o) },
		func() (peer, error) { return newOPA(o) },
	} {
		p, err := teach()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// processor gives the machine's own name for its processor, where it has one.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, " \t:\n")
		}
	}
	return runtime.GOARCH
}
