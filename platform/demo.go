package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/demo"
	"github.com/lendkeep/lendkeep/platform/internal/house"
)

type demoCommand struct {
	Listen string `help:"Address to listen on." default:"127.0.0.1:8443"`
	JSON   bool   `help:"Print one JSON object when ready, and nothing else."`
	Seed   uint64 `help:"Seed of the sample data." default:"1"`
	Loans  int    `help:"How many loans." default:"3000"`
}

// documentation are the address ranges that count as public in the demo alone
// (RFC 5737, RFC 3849).
func documentation() []string {
	return []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"}
}

// Run starts everything on loopback and serves until a signal comes.
func (d *demoCommand) Run(ctx context.Context, s *Settings) error {
	if s.Data == "data" {
		s.Data = "demo-data"
	}
	if s.LogLevel == "info" {
		s.LogLevel = "warn"
	}
	if err := clearUnfinished(s.Data); err != nil {
		return err
	}
	release, err := hold(s.Data)
	if err != nil {
		return err
	}
	defer release()
	address, err := settle(d.Listen)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	url := "https://localhost:" + port
	secure, ca, err := httpserve.DevelopmentCA(filepath.Join(s.Data, "tls"), time.Now())
	if err != nil {
		return err
	}
	s.Proxies = append(s.Proxies, "127.0.0.1", "::1")
	if s.Witness == "" {
		s.Witness = filepath.Join(s.Data, "witness") // one folder holds a demo; the page says what that is worth
	}
	c, err := s.config(url)
	if err != nil {
		return err
	}
	c.Demo = house.Demo{On: true, AlsoPublic: documentation(), Mail: s.letters()}
	standin, key, stopStandin, err := startStandin()
	if err != nil {
		return err
	}
	defer stopStandin()
	h, stop, err := running(ctx, c)
	if err != nil {
		return err
	}
	fill := demo.Config{House: h, URL: url, CA: ca, IPStackURL: standin, IPStackKey: key, Seed: d.Seed,
		Size: demo.Size{Borrowers: max(1, d.Loans*2/3), Loans: d.Loans}, Told: d.told()}
	facts, err := demo.Fill(ctx, fill)
	if err == nil {
		if err := os.Remove(filepath.Join(s.Data, unfinished)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return errors.Join(err, stop())
		}
		err = listen(ctx, h, address, secure, func(string) error { return d.ready(facts) })
	}
	if e := stop(); err == nil {
		err = e
	}
	return err
}

// unfinished marks a folder that a demo has begun to fill. A start that was
// interrupted leaves it behind, and the next one begins anew: there is nothing
// in such a folder but sample data.
const unfinished = "demo.unfinished"

func clearUnfinished(data string) error {
	if _, err := os.Stat(filepath.Join(data, unfinished)); err == nil {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
	}
	if entries, err := os.ReadDir(data); err == nil && len(entries) > 0 {
		return nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, unfinished), nil, 0o600)
}

// settle finds the port when any will do: links and origins need to know it
// before there is a server.
func settle(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// startStandin serves the stand-in for ipstack on loopback.
func startStandin() (url, key string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", nil, err
	}
	key = strings.ToLower(rand.Text())
	standin := ipstacktest.New(key)
	server := &http.Server{Handler: standin, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), key, func() { standin.Close(); _ = server.Close() }, nil
}

// told shows progress on standard error, unless a program listens.
func (d *demoCommand) told() func(string, int, int) {
	if d.JSON {
		return nil
	}
	last, show := "", func(int64, int64) {}
	return func(what string, done, total int) {
		if what != last {
			last, show = what, progress(what)
		}
		show(int64(done), int64(total))
	}
}

func (d *demoCommand) ready(f *demo.Facts) error {
	if d.JSON {
		return json.NewEncoder(os.Stdout).Encode(f)
	}
	fmt.Printf("\nLendkeep runs at %s   (certificate authority: %s)\n\n", f.URL, f.CA)
	fmt.Printf("  Apply for a loan      %s/apply/%s\n  Stand-in for ipstack  %s\n\n", f.URL, f.SiteKey, f.IPStackURL)
	fmt.Println("  Sign in as                  password           API key")
	for _, who := range []string{"admin", "manager", "agent", "underwriter", "investor"} {
		u := f.Users[who]
		fmt.Printf("  %-27s %-18s %s\n", u.Email, u.Password, u.APIKey)
	}
	fmt.Printf("\n  Server key for applications  %s\n\nStop it with Ctrl-C; start it again with the same data: it is in demo-data.\n", f.ServerKey)
	return nil
}
