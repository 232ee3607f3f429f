// Command lendkeep is the platform: the security plane of a lending business
// with the lending core that it needs. It serves API and screens, runs the
// demo, and is the operator's command line.
//
// It is the roof: flags, files, sockets and signals are handled here and
// nowhere below. The command line goes through the gate like everybody, over a
// socket that only the operator can open; when no server runs, the command
// opens the data itself, behind the same socket.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/house/hush"
)

// grammar is the command line. Every flag can also be set by LENDKEEP_* in the
// environment or in the JSON file that --config names; flags win.
type grammar struct {
	Settings

	Config kong.ConfigFlag `help:"JSON file of settings." env:"LENDKEEP_CONFIG"`

	Serve        serveCommand   `cmd:"" help:"Serve API and screens."`
	Demo         demoCommand    `cmd:"" help:"Start everything on loopback with sample data."`
	Tenant       tenantCommand  `cmd:"" help:"Make and list tenants."`
	User         userCommand    `cmd:"" help:"Add and list users of a tenant."`
	RecoverAdmin recoverAdmin   `cmd:"" name:"recover-admin" help:"Name a new administrator of a tenant that nobody can administer any more; in force after 24 hours."`
	Import       importCommand  `cmd:"" help:"Import borrowers or loans from a CSV file."`
	Keys         keysCommand    `cmd:"" help:"List, rotate and destroy a tenant's encryption keys; change the KMS key that wraps them."`
	Audit        auditCommand   `cmd:"" help:"Look through and verify a tenant's audit trail."`
	Backup       backupCommand  `cmd:"" help:"Back a tenant up while people work: its data, its key store, or both."`
	Restore      restoreCommand `cmd:"" help:"Restore a tenant from its backup to a place where it is not."`
	Openapi      openapiCommand `cmd:"" help:"Print the OpenAPI document."`
	Doctor       doctorCommand  `cmd:"" help:"Check the configuration and say how to mend it."`
	Version      versionCommand `cmd:"" help:"Print the version."`
}

// Settings are what several commands need.
type Settings struct {
	Data     string   `help:"Folder of databases, keys and the operator's socket." default:"data" env:"LENDKEEP_DATA"`
	Postgres string   `help:"PostgreSQL administrator address (postgres://…); empty: embedded SQLite." env:"LENDKEEP_POSTGRES"`
	Prefix   string   `help:"Beginning of the names of PostgreSQL databases." default:"lendkeep_" env:"LENDKEEP_POSTGRES_PREFIX" name:"postgres-prefix"`
	KMS      string   `help:"KMS key that wraps every tenant's keys: file:PATH, awskms:ARN, vault:https://…, pkcs11:…; empty: as --kms-file says." env:"LENDKEEP_KMS" name:"kms"`
	KMSFile  string   `help:"The short form of --kms file:PATH; empty: kms.key in the data folder." env:"LENDKEEP_KMS_FILE" name:"kms-file"`
	Proxies  []string `help:"Addresses of trusted reverse proxies." env:"LENDKEEP_PROXIES"`
	Mail     string   `help:"smtp://user:password@host:port, or a folder that keeps mail as files." env:"LENDKEEP_MAIL"`
	MailFrom string   `help:"Address that mail comes from." default:"no-reply@localhost.localdomain" env:"LENDKEEP_MAIL_FROM"`
	Region   string   `help:"Region in which this installation's data lies: a backup that must stay elsewhere is refused, and so is a new tenant." env:"LENDKEEP_REGION" name:"own-region"`
	Witness  string   `help:"Folder that keeps signed checkpoints of every audit trail; on a volume that the keepers of this server cannot change." env:"LENDKEEP_WITNESS"`
	Breached string   `help:"File of breached passwords (sorted SHA-1 hashes, as published); empty: the short list that is built in." env:"LENDKEEP_BREACHED_PASSWORDS" name:"breached-passwords"`
	LogLevel string   `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"LENDKEEP_LOG_LEVEL"`
}

func main() {
	// The working set is small and latency matters little beside memory: a
	// lender's machine runs other things too.
	debug.SetGCPercent(75)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var g grammar
	k := kong.Parse(&g, kong.Name("lendkeep"), kong.Description("The security plane of a lending business."),
		kong.Configuration(kong.JSON), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&g.Settings), kong.UsageOnError())
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, pan.Mask("lendkeep: "+told(err)))
		os.Exit(1)
	}
}

// told puts an error into words for the operator: a fault's message and fields,
// and its cause, which stays on this machine.
func told(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	text := f.Message
	for _, field := range f.Fields {
		text += "\n  " + field.Path + ": " + field.Mend
	}
	if f.Cause != nil {
		text += "\n  (" + f.Cause.Error() + ")"
	}
	return text
}

func (s *Settings) log() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(hush.Handler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("lendkeep " + version())
	return nil
}

// version is the module's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "0.1.0"
}
