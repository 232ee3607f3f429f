// Package ocsf says an entry of the audit trail in the words of the Open Cybersecurity
// Schema Framework, version 1.6.0, one event a line, for the systems in which lenders
// gather what all their programs report.
//
// An entry becomes the class that fits it exactly: signing in and out is Authentication
// (3002), what happens to an account is Account Change (3001), a role given to a person
// is User Access Management (3005), one person added to a team or taken from it is
// Group Management (3006). Everything else is API Activity (6003), which loses nothing.
// What the schema has no word for stands under unmapped, by the names of our own API.
//
// Sealed values stay sealed: it is handed entries whose sealed values nobody read.
// Version 1.6.0 is pinned because 1.7 gives metadata.uid another meaning.
package ocsf

import (
	"encoding/json"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// Version of the schema that Line speaks.
const Version = "1.6.0"

// About is what all events of an export have in common.
type About struct {
	Tenant, Lender string
	LoggedTime     int64 // unix microseconds: when the export was made
}

type object = map[string]any

// Line gives one event as a line of JSON.
func Line(e *audit.Entry, a About) ([]byte, error) {
	k := kindOf(e)
	event := object{
		"class_uid": k.class, "category_uid": k.class / 1000, "activity_id": k.activity, "type_uid": k.class*100 + k.activity,
		"class_name": k.name, "time": e.At / 1000, "count": max(1, e.Count), "message": message(e),
		"metadata":     metadata(e, a),
		"actor":        actor(e),
		"src_endpoint": source(e),
		"api":          object{"operation": e.Operation, "service": object{"name": "Lendkeep"}},
	}
	if k.activity == other {
		event["activity_name"] = e.Operation
	}
	if e.UserAgent != "" {
		event["http_request"] = object{"user_agent": e.UserAgent}
	}
	outcome(event, e)
	for name, value := range k.more {
		event[name] = value
	}
	if e.Object != "" && k.class != authentication {
		event["resources"] = []object{{"uid": e.Object, "type": before(e.Object, "/")}}
	}
	event["unmapped"] = unmapped(e)
	line, err := json.Marshal(event)
	return append(line, '\n'), err
}

// before is the text before a mark; all of it without one.
func before(text, mark string) string {
	first, _, _ := strings.Cut(text, mark)
	return first
}

func message(e *audit.Entry) string {
	words := e.Outcome.String() + ": " + e.Operation
	if e.Object != "" {
		words += " on " + e.Object
	}
	return words
}

func metadata(e *audit.Entry, a About) object {
	m := object{
		"version": Version, "product": object{"name": "Lendkeep", "vendor_name": "Lendkeep"},
		"uid": string(e.ID), "tenant_uid": a.Tenant, "event_code": e.Operation, "log_name": "audit trail", "log_provider": a.Lender,
		"logged_time": a.LoggedTime / 1000, "labels": []string{"class:personal"},
	}
	if e.Sequence != 0 {
		m["sequence"] = e.Sequence
	}
	if e.DecisionID != "" {
		m["correlation_uid"] = string(e.DecisionID)
	}
	return m
}

// outcome tells what became of the call. A denial is worth a look, a failure less so.
func outcome(event object, e *audit.Entry) {
	switch e.Outcome {
	case operation.Allowed:
		event["status_id"], event["status"], event["severity_id"], event["severity"] = 1, "Success", 1, "Informational"
	case operation.Denied:
		event["status_id"], event["status"], event["severity_id"], event["severity"] = 2, "Failure", 3, "Medium"
	default:
		event["status_id"], event["status"], event["severity_id"], event["severity"] = 2, "Failure", 2, "Low"
	}
	if e.Reason != "" {
		event["status_code"] = e.Reason
	}
}

// actor is who acted: a person, or the program of ours that did.
func actor(e *audit.Entry) object {
	noun, id, _ := strings.Cut(e.Actor, "/")
	if noun != "user" {
		return object{"app_name": "Lendkeep " + noun, "app_uid": e.Actor}
	}
	u := user(id, e.ActorName)
	if e.Channel == operation.API {
		u["credential_uid"] = e.Credential
		return object{"user": u}
	}
	a := object{"user": u}
	if e.Credential != "" {
		a["session"] = object{"uid": e.Credential}
	}
	return a
}

func user(id, name string) object {
	u := object{"uid": id, "type_id": 1}
	if name != "" {
		u["name"] = name
	}
	return u
}

// source is where the call came from; a job comes from the server itself.
func source(e *audit.Entry) object {
	switch {
	case e.Channel == operation.Portal:
		return object{"name": audit.Sealed}
	case e.Address.IsValid():
		return object{"ip": e.Address.String()}
	}
	return object{"svc_name": "Lendkeep " + e.Channel.String()}
}

// unmapped is what the schema has no word for.
func unmapped(e *audit.Entry) object {
	out := object{"channel": e.Channel.String()}
	text := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	text("for", e.For)
	text("layer", e.Layer)
	text("rule", e.Rule)
	text("grant", e.Grant)
	text("given", e.Given)
	if len(e.Operations) > 0 {
		out["operations"] = e.Operations
	}
	if e.PolicyVersion != 0 {
		out["policy_version"] = e.PolicyVersion
	}
	if e.ObjectSequence != 0 {
		out["object_sequence"] = e.ObjectSequence
	}
	var changes []object
	for _, c := range e.Changes {
		changes = append(changes, object{"field": c.Field, "before": c.Before, "after": c.After})
	}
	if changes != nil {
		out["changes"] = changes
	}
	for name, list := range map[string]map[string]string{"detail": e.Detail, "sealed_detail": e.SealedDetail} {
		if len(list) > 0 {
			out[name] = list
		}
	}
	return out
}
