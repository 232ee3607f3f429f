// Package smtp hands letters to a mail server over SMTP, always encrypted:
// STARTTLS is required (or TLS from the first byte), the certificate is
// checked, and no password is said before.
//
// The server is named by the operator's configuration and may stand inside,
// which is why these connections do not go through package outbound.
package smtp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/mail"
)

// DefaultTimeout is the time for a whole delivery.
const DefaultTimeout = 20 * time.Second

// Config names the mail server.
type Config struct {
	Server   string         // "mail.example.com:587"
	Implicit bool           // TLS from the first byte (port 465) instead of STARTTLS
	From     string         // the sender's address
	User     string         // no sign-in if empty
	Password string         //
	Timeout  time.Duration  // for a whole delivery; DefaultTimeout if 0
	RootCAs  *x509.CertPool // the system's if nil
	Now      func() int64   // unix microseconds, for the letter's date
}

// Post sends letters through one server; it is safe for concurrent use.
type Post struct {
	config Config
	host   string
}

// New checks the configuration; it does not connect.
func New(c Config) (*Post, error) {
	host, _, err := net.SplitHostPort(c.Server)
	if err != nil || host == "" {
		return nil, errors.New("smtp: the server must be written as host:port")
	}
	if !mail.IsAddress(c.From) {
		return nil, errors.New("smtp: the sender is not an address")
	}
	if c.Now == nil {
		return nil, errors.New("smtp: no clock")
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	return &Post{config: c, host: host}, nil
}

// Send delivers one letter. Faults never quote the server, whose answers name
// the recipient.
func (p *Post) Send(ctx context.Context, m mail.Message) error {
	letter, err := mail.Compose(m, p.config.From, p.config.Now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	conn, err := p.dial(ctx)
	if err != nil {
		return trouble("connect", err)
	}
	defer conn.Close()
	// closing is the one way to end a conversation that hangs
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if step, err := p.converse(conn, m.To, letter); err != nil {
		return trouble(step, err)
	}
	return nil
}

func (p *Post) secure() *tls.Config {
	return &tls.Config{ServerName: p.host, MinVersion: tls.VersionTLS12, RootCAs: p.config.RootCAs}
}

func (p *Post) dial(ctx context.Context) (net.Conn, error) {
	if p.config.Implicit {
		return (&tls.Dialer{Config: p.secure()}).DialContext(ctx, "tcp", p.config.Server)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", p.config.Server)
}

var errPlain = errors.New("the server offers no STARTTLS")

// converse says the letter; step names where it stopped.
func (p *Post) converse(conn net.Conn, to string, letter []byte) (step string, err error) {
	c, err := smtp.NewClient(conn, p.host)
	if err != nil {
		return "greeting", err
	}
	if !p.config.Implicit {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return "starttls", errPlain
		}
		if err := c.StartTLS(p.secure()); err != nil {
			return "starttls", err
		}
	}
	if p.config.User != "" {
		if err := c.Auth(smtp.PlainAuth("", p.config.User, p.config.Password, p.host)); err != nil {
			return "sign-in", err
		}
	}
	if err := c.Mail(p.config.From); err != nil {
		return "sender", err
	}
	if err := c.Rcpt(to); err != nil {
		return "recipient", err
	}
	w, err := c.Data()
	if err != nil {
		return "data", err
	}
	if _, err := bytes.NewReader(letter).WriteTo(w); err != nil {
		return "data", err
	}
	if err := w.Close(); err != nil {
		return "data", err
	}
	c.Quit() // the letter is taken; what the server says now changes nothing
	return "", nil
}

// trouble keeps the step and the server's code, and drops its words.
func trouble(step string, err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		cause := fmt.Errorf("smtp: %s answered with code %d", step, answer.Code)
		if answer.Code >= 500 && (step == "recipient" || step == "data") {
			return fault.Wrap(fault.Conflict, "mail_refused", "The mail server refused the letter.", cause)
		}
		return fault.Wrap(fault.Unavailable, "mail_unavailable", "The mail server did not take the letter.", cause)
	}
	cause := fmt.Errorf("smtp: %s: %T", step, err)
	if err == errPlain {
		cause = fmt.Errorf("smtp: %w", err)
	}
	return fault.Wrap(fault.Unavailable, "mail_unavailable", "The mail server could not be reached safely.", cause)
}
