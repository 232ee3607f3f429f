package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/platform/internal/house"
)

type doctorCommand struct{}

// finding is one thing that was looked at; mend is empty where it is well.
type finding struct{ what, found, mend string }

// Run looks at the configuration and says how to mend it; exit status 1 if
// something must be mended.
func (doctorCommand) Run(ctx context.Context, s *Settings) error {
	findings := []finding{s.lookAtData(), s.lookAtKMS(ctx), s.lookAtDatabase(ctx), s.lookAtServersLog(ctx), s.lookAtProxies(), s.lookAtMail(), s.lookAtWitness(), s.lookAtRegion(), s.lookAtServer(ctx)}
	bad := 0
	for _, f := range findings {
		mark := "✓"
		if f.mend != "" {
			mark, bad = "✗", bad+1
		}
		fmt.Printf("%s %-14s %s\n", mark, f.what, f.found)
		if f.mend != "" {
			fmt.Printf("  → %s\n", f.mend)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d things need mending", bad, len(findings))
	}
	return nil
}

func (s *Settings) lookAtData() finding {
	info, err := os.Stat(s.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{"data folder", s.Data + " is not there yet; the first start makes it", ""}
	case err != nil:
		return finding{"data folder", err.Error(), "let this user read " + s.Data}
	case !info.IsDir():
		return finding{"data folder", s.Data + " is not a folder", "name a folder with --data"}
	case info.Mode().Perm()&0o077 != 0:
		return finding{"data folder", s.Data + " can be read by others", "chmod 700 " + s.Data}
	}
	return finding{"data folder", s.Data, ""}
}

func (s *Settings) lookAtDatabase(ctx context.Context) finding {
	if s.Postgres == "" {
		return finding{"database", "embedded SQLite, encrypted, one file a tenant", ""}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d, err := db.Open(ctx, db.Config{Engine: db.PostgreSQL, DSN: s.Postgres, Now: time.Now, Log: s.log()})
	if err != nil {
		return finding{"database", "PostgreSQL cannot be used: " + told(err), "check that the server runs and that LENDKEEP_POSTGRES is right"}
	}
	defer d.Close()
	return lookUnder(ctx, d, "/proc")
}

// lookAtServersLog looks whether the PostgreSQL server logs statements with their
// parameters. What is stored is sealed before it goes there; what somebody looks for
// (an e-mail address, a telephone number) is not.
func (s *Settings) lookAtServersLog(ctx context.Context) finding {
	const what = "database log"
	if s.Postgres == "" {
		return finding{what, "an embedded database logs no statements", ""}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d, err := db.Open(ctx, db.Config{Engine: db.PostgreSQL, DSN: s.Postgres, Now: time.Now, Log: s.log()})
	if err != nil {
		return finding{what, "PostgreSQL cannot be asked what it logs", "mend the database first"}
	}
	defer d.Close()
	var statements, slow, parameters, failed string
	err = d.Read(ctx, d.Now(), func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT current_setting('log_statement'), current_setting('log_min_duration_statement'),
			COALESCE(current_setting('log_parameter_max_length', true), '-1'), COALESCE(current_setting('log_parameter_max_length_on_error', true), '0')`, nil,
			&statements, &slow, &parameters, &failed)
	})
	switch {
	case err != nil:
		return finding{what, "PostgreSQL does not tell what it logs: make sure that log_parameter_max_length is 0", ""}
	case parameters != "0" && (statements != "none" || slow != "-1") || failed != "0":
		return finding{what, "PostgreSQL logs statements with their parameters: what people look for lies open in its log", "set log_parameter_max_length = 0 and log_parameter_max_length_on_error = 0"}
	}
	return finding{what, "PostgreSQL logs no parameters of statements", ""}
}

// lookUnder looks at the volume under a PostgreSQL server of this machine: the server
// itself does not encrypt a database. Of another machine nothing can be said: a folder of
// the same name here is another folder. processes is /proc.
func lookUnder(ctx context.Context, d *db.DB, processes string) finding {
	var folder, address string
	var process int64
	var near bool
	err := d.Read(ctx, d.Now(), func(ctx context.Context, tx *db.Tx) error {
		if err := tx.One(ctx, `SELECT pg_backend_pid(), COALESCE(host(inet_server_addr()), '')`, nil, &process, &address); err != nil {
			return err
		}
		if near = here(address, process, processes); !near {
			return nil
		}
		return tx.One(ctx, `SELECT current_setting('data_directory')`, nil, &folder)
	})
	switch {
	case process != 0 && !near:
		return finding{"database", "PostgreSQL answers, from elsewhere than this machine; it does not encrypt a database itself: make sure that its files lie on an encrypted volume there", ""}
	case err != nil:
		return finding{"database", "PostgreSQL answers; it does not tell this user where its files lie, and it does not encrypt a database itself: put them on an encrypted volume", ""}
	}
	kind, err := volumeOf(folder, "/sys/dev/block")
	switch {
	case err == nil && kind == sealed:
		return finding{"database", "PostgreSQL answers, and its files (" + folder + ") lie on an encrypted volume", ""}
	case err == nil && kind == open:
		return finding{"database", "PostgreSQL answers, but its files (" + folder + ") lie on a volume that this machine does not encrypt", "put them on an encrypted volume (LUKS), or make sure that the disk or its provider encrypts it: names, towns and amounts are readable in them"}
	}
	return finding{"database", "PostgreSQL answers; whether the volume under " + folder + " is encrypted cannot be seen from here: make sure that it is", ""}
}

// here tells whether the server's process that serves us runs on this machine. The address
// that it was reached at is not enough: behind a tunnel it is the other machine's own.
func here(address string, process int64, processes string) bool {
	name, err := os.ReadFile(filepath.Join(processes, strconv.FormatInt(process, 10), "comm"))
	if err != nil || !strings.HasPrefix(string(name), "postgres") {
		return false
	}
	if address == "" {
		return true // a socket in a folder
	}
	server := net.ParseIP(address)
	list, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(list, func(a net.Addr) bool {
		own, is := a.(*net.IPNet)
		return is && own.IP.Equal(server)
	})
}

func (s *Settings) lookAtProxies() finding {
	set, err := ipset.Parse(s.Proxies...)
	if err != nil {
		return finding{"proxies", told(err), "mend LENDKEEP_PROXIES"}
	}
	if set.Len() == 0 {
		return finding{"proxies", "none trusted: the connection's own address counts", ""}
	}
	return finding{"proxies", fmt.Sprintf("%d trusted entries", set.Len()), ""}
}

func (s *Settings) lookAtMail() finding {
	if _, err := s.sender(); err != nil {
		return finding{"mail", told(err), "mend LENDKEEP_MAIL: smtp://user:password@host:port, or a folder"}
	}
	return finding{"mail", "can be sent as configured", ""}
}

func (s *Settings) lookAtWitness() finding {
	if s.Witness == "" {
		return finding{"witness", "no folder keeps checkpoints of the audit trails (LENDKEEP_WITNESS); each lender can name a witness outside", ""}
	}
	apart, err := witness.Apart(s.Witness, s.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{"witness", s.Witness + " is not there yet; the first start makes it", ""}
	case err != nil:
		return finding{"witness", err.Error(), "let this user write " + s.Witness}
	case !apart:
		return finding{"witness", s.Witness + " lies on the same volume as the data", "put it on a volume that the keepers of this server cannot change: what can be rewritten together proves nothing"}
	}
	return finding{"witness", s.Witness + " on a volume of its own", ""}
}

func (s *Settings) lookAtRegion() finding {
	if s.Region == "" {
		return finding{"region", "not said (LENDKEEP_REGION), so no backup is restored here", ""}
	}
	return finding{"region", s.Region, ""}
}

func (s *Settings) lookAtServer(ctx context.Context) finding {
	conn, err := net.DialTimeout("unix", socketPath(s.Data), time.Second)
	if err != nil {
		return finding{"server", "none is running on this data folder", ""}
	}
	_ = conn.Close()
	list, err := s.alarms(ctx)
	if err != nil {
		return finding{"server", "running, and it does not tell how it is: " + told(err), "look into its log"}
	}
	if len(list) > 0 {
		return finding{"server", fmt.Sprintf("running; entries of the audit trail of %s cannot be written since %s, so nothing is done (%d tenants, %d calls)", list[0].Tenant, list[0].Since, len(list), list[0].Calls),
			"its log says why (alarm=audit_unwritten); most often the disk is full or the database read-only"}
	}
	return finding{"server", "running", ""}
}

// alarms asks the running server which trails cannot be written.
func (s *Settings) alarms(ctx context.Context) (list []house.AlarmOut, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := dial(ctx, s)
	if err != nil {
		return nil, err
	}
	defer c.close()
	resp, err := c.post(ctx, "", "/console/v1/alarms", "application/json", http.NoBody)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return list, json.NewDecoder(resp.Body).Decode(&list)
}
