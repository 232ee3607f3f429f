package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/netip"
)

//go:embed office.json
var officeFile []byte

// office is what everybody decides about: a tenant's manager at her desk, with
// the operations that her role permits, the address rules that bind her and
// what a walkthrough lends her. The benchmark of platform/internal/access reads
// the same file.
type office struct {
	Tenant, Role, User, Key string
	Operations              []string
	UI, API                 []string
	Rules                   []rule
	Grant                   grant
	Call                    call
	Cases                   []story
}

// rule is one address rule of one holder: tenant, role, user or key.
type rule struct {
	Holder   string
	Deny     bool
	Prefixes []netip.Prefix
}

// grant is an operation lent on one object, in one session, before an instant
// (unix seconds).
type grant struct {
	Operation, Object, Session string
	Until                      int64
}

// call is one call to be decided, with what is known about who calls.
type call struct {
	TenantActive  bool `json:"tenant_active"`
	UserActive    bool `json:"user_active"`
	KeyExpired    bool `json:"key_expired"`
	SessionEnded  bool `json:"session_ended"`
	PasswordStale bool `json:"password_stale"`
	FactorMissing bool `json:"factor_missing"`
	Channel       string
	Operation     string
	Object        string
	Session       string
	Address       netip.Addr
	At            int64
}

// story is a call that differs from the usual one, and what must be answered.
type story struct {
	Story   string
	But     json.RawMessage
	Reason  string
	Granted bool
}

// answer is a decision with its reason.
type answer struct {
	allowed bool
	granted bool
	reason  string
}

// decider decides one call that was made ready in a peer's own terms.
type decider func() (answer, error)

// peer is a library that has been taught the office's policy. Making a call
// ready is not measured, neither for the peers nor for ours.
type peer struct {
	name  string
	how   string // the work as this library does it
	ready func(call) (decider, error)
	tells func(reason string) string // what it says for a reason that it cannot tell
}

func readOffice() (*office, error) {
	o := &office{}
	if err := json.Unmarshal(officeFile, o); err != nil {
		return nil, fmt.Errorf("reading the office: %w", err)
	}
	return o, nil
}

// of gives a story's call: the usual one with what is different.
func (o *office) of(s story) (call, error) {
	c := o.Call
	if err := json.Unmarshal(s.But, &c); err != nil {
		return call{}, fmt.Errorf("story %q: %w", s.Story, err)
	}
	return c, nil
}

// want is the answer that a story asks for.
func (s story) want() answer {
	return answer{allowed: s.Reason == "ok", granted: s.Granted, reason: s.Reason}
}

// told finds a story by its words.
func (o *office) told(words string) (story, error) {
	for _, s := range o.Cases {
		if s.Story == words {
			return s, nil
		}
	}
	return story{}, fmt.Errorf("no story %q", words)
}

func same(reason string) string { return reason }
