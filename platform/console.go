package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/house"
)

func socketPath(data string) string { return filepath.Join(data, "lendkeep.sock") }

// serveConsole opens the operator's socket: 0600 in a 0700 folder.
func serveConsole(h *house.House) (io.Closer, error) {
	path := socketPath(h.Config.Data)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the operator's socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	server := &http.Server{Handler: h.Console(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	return server, nil
}

// console is the command line's way to the house.
type console struct {
	http  http.Client
	close func() error
}

// dial reaches the running server, or opens the house behind its own socket.
func dial(ctx context.Context, s *Settings) (*console, error) {
	path := socketPath(s.Data)
	c := &console{close: func() error { return nil }}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return c, nil
	}
	release, err := hold(s.Data)
	if err != nil {
		return nil, fmt.Errorf("no server answers at %s, and %w", path, err)
	}
	if s.LogLevel == "info" {
		s.LogLevel = "warn" // a command talks to its operator, not to a log
	}
	config, err := s.config("https://localhost:8443")
	if err != nil {
		release()
		return nil, err
	}
	h, stop, err := running(ctx, config)
	if err != nil {
		release()
		return nil, err
	}
	socket, err := serveConsole(h)
	if err != nil {
		release()
		return nil, errors.Join(err, stop())
	}
	c.close = func() error {
		err := errors.Join(socket.Close(), stop())
		release()
		return err
	}
	return c, nil
}

// problem is an error answer of the house.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Reason string `json:"reason"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

// post sends a body to a console route for a tenant ("" for none).
func (c *console) post(ctx context.Context, tenant, path, contentType string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://console"+path, body)
	if err != nil {
		return nil, err
	}
	if tenant != "" {
		r.Host = tenant
	}
	if f, ok := body.(*os.File); ok { // so that progress knows its end
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		r.ContentLength = info.Size()
	}
	r.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	f := fault.New(fault.Invalid, p.Reason, p.Detail)
	if p.Detail == "" {
		f.Message = p.Title
	}
	for _, e := range p.Errors {
		f.Fields = append(f.Fields, fault.Field{Path: e.Field, Mend: e.Message})
	}
	return nil, f
}

// call calls one operation of the list for a tenant.
func (c *console) call(ctx context.Context, tenant, operation string, path map[string]string, query map[string]string, body, out any) error {
	given := map[string]any{}
	if path != nil {
		given["path"] = path
	}
	if query != nil {
		given["query"] = query
	}
	if body != nil {
		given["body"] = body
	}
	b, err := json.Marshal(given)
	if err != nil {
		return err
	}
	resp, err := c.post(ctx, tenant, "/console/v1/call/"+operation, "application/json", bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
