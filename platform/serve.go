package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/house"
)

type serveCommand struct {
	Listen string `help:"Address to listen on." default:"127.0.0.1:8443" env:"LENDKEEP_LISTEN"`
	URL    string `help:"Address under which people reach the server, for links in mail." default:"https://localhost:8443" env:"LENDKEEP_URL"`
	Cert   string `help:"TLS certificate file; empty: a development certificate." env:"LENDKEEP_CERT"`
	Key    string `help:"TLS key file." env:"LENDKEEP_CERT_KEY"`
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context, settings *Settings) error {
	release, err := hold(settings.Data)
	if err != nil {
		return err
	}
	defer release()
	c, err := settings.config(s.URL)
	if err != nil {
		return err
	}
	h, stop, err := running(ctx, c)
	if err != nil {
		return err
	}
	secure, err := s.certificate(settings.Data)
	if err == nil {
		err = listen(ctx, h, s.Listen, secure, nil)
	}
	if e := stop(); err == nil {
		err = e
	}
	return err
}

func (s *serveCommand) certificate(data string) (*tls.Config, error) {
	if s.Cert == "" {
		c, _, err := httpserve.DevelopmentCA(filepath.Join(data, "tls"), time.Now())
		return c, err
	}
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, nil
}

// listen serves HTTPS and the operator's socket until ctx ends. ready, if
// given, is told the address once both listen.
func listen(ctx context.Context, h *house.House, address string, secure *tls.Config, ready func(addr string) error) error {
	console, err := serveConsole(h)
	if err != nil {
		return err
	}
	defer console.Close()
	server, err := httpserve.Serve(ctx, httpserve.Config{Listen: address, TLS: secure, Handler: h.Handler(), Log: h.Config.Log})
	if err != nil {
		return err
	}
	h.Config.Log.Info("serving", "address", "https://"+server.Addr().String(), "data", h.Config.Data, "pid", os.Getpid())
	if ready != nil {
		if err := ready(server.Addr().String()); err != nil {
			return err
		}
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
	defer cancel()
	return server.Shutdown(end)
}
