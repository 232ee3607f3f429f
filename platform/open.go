package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/internal/mail/smtp"
	"github.com/lendkeep/lendkeep/platform/internal/demo"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/web/door"
)

// config turns the settings into what the house is opened with.
func (s *Settings) config(publicURL string) (house.Config, error) {
	sender, err := s.sender()
	if err != nil {
		return house.Config{}, err
	}
	c := house.Config{Data: s.Data, Engine: db.SQLite, Postgres: s.Postgres, Prefix: s.Prefix, KMS: s.kms, Proxies: s.Proxies, Mail: sender, Region: s.Region, Witness: s.Witness,
		URL: publicURL, Version: version(), Now: time.Now, Log: s.log()}
	if s.Postgres != "" {
		c.Engine = db.PostgreSQL
	}
	// The list stays open as long as the program runs.
	if c.Breached, err = factor.OpenBreached(s.Breached); err != nil {
		return house.Config{}, err
	}
	return c, nil
}

// letters reads the folder that keeps mail; nil where mail goes out by SMTP.
func (s *Settings) letters() func() ([]door.Letter, error) {
	where := s.mailTo()
	if u, err := url.Parse(where); err == nil && (u.Scheme == "smtp" || u.Scheme == "smtps") {
		return nil
	}
	return func() ([]door.Letter, error) { return demo.Letters(where, 20) }
}

// mailTo is where mail goes: a folder in the data folder, if nothing is said.
func (s *Settings) mailTo() string {
	if s.Mail == "" {
		return filepath.Join(s.Data, "mail")
	}
	return s.Mail
}

// sender makes the way mail goes out: SMTP, or a folder (the default).
func (s *Settings) sender() (mail.Sender, error) {
	micros := func() int64 { return time.Now().UnixMicro() }
	where := s.mailTo()
	u, err := url.Parse(where)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return folder.New(where, s.MailFrom, micros)
	}
	password, _ := u.User.Password()
	return smtp.New(smtp.Config{Server: u.Host, Implicit: u.Scheme == "smtps", From: s.MailFrom, User: u.User.Username(),
		Password: password, Now: micros})
}

// hold takes the data folder's lock: one server, or one command, at a time.
func hold(data string) (release func(), err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(data, "lendkeep.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the data folder %s is held by another lendkeep: %w", data, err)
	}
	return func() { _ = f.Close() }, nil
}

// running opens the house and does its background work until ctx ends; stop
// waits for both.
func running(ctx context.Context, c house.Config) (h *house.House, stop func() error, err error) {
	h, err = house.Open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- h.Run(work) }()
	return h, func() error {
		cancel()
		err := <-done
		if e := h.Close(); err == nil {
			err = e
		}
		return err
	}, nil
}
