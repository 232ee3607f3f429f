package ipstack

import (
	"strings"
)

// Failure codes. The first group are ipstack's own error types, under which
// its answers are kept; the second says what was wrong with the call.
const (
	NotFound         = "404_not_found"
	MissingKey       = "missing_access_key"
	InvalidKey       = "invalid_access_key"
	InactiveUser     = "inactive_user"
	InvalidFunction  = "invalid_api_function"
	UsageLimit       = "usage_limit_reached"
	FunctionDenied   = "function_access_restricted"
	HTTPSDenied      = "https_access_restricted"
	InvalidAddress   = "invalid_ip_address"
	InvalidFields    = "invalid_fields"
	TooManyAddresses = "too_many_ips"
	BatchDenied      = "batch_not_supported_on_plan"

	RateLimited    = "rate_limited"   // 429 without the monthly quota's words
	ProviderError  = "provider_error" // an error of a type that is not documented
	ServerError    = "server_error"   // 5xx
	Redirected     = "redirected"     // 3xx: never followed, the key is in the URL
	Unexpected     = "unexpected_status"
	EmptyAnswer    = "empty_answer"
	BrokenAnswer   = "broken_answer" // not JSON, or not one object
	ListAnswer     = "list_answer"   // the bulk form of the answer
	NotIpstack     = "not_ipstack"   // JSON, but without the address
	WrongAddress   = "wrong_address" // about another address than the one asked
	NotPublic      = "address_not_public"
	NoKey          = "no_access_key"
	NoSecurity     = "no_security_module"
	CircuitOpen    = "paused_after_quota"
	Timeout        = "timeout"
	Cancelled      = "cancelled"
	DNS            = "host_unknown"
	Refused        = "connection_refused"
	TLS            = "certificate_not_trusted"
	TooLarge       = "answer_too_large"
	BlockedAddress = "blocked_address"
	BadURL         = "bad_base_url"
	Unreachable    = "unreachable"
)

// Problem is why there are no facts. It never holds a text that ipstack sent,
// a URL or the key.
type Problem struct {
	Failure string // one of the codes above
	Code    string // ipstack's number, if it sent one ("104")
	Status  int    // of the HTTP answer, if that is what told
}

// byNumber is used only when an answer has a code and no type. 101 and 105
// stand for two types each: the wider one is taken.
var byNumber = map[string]string{
	"404": NotFound, "101": InvalidKey, "102": InactiveUser, "103": InvalidFunction, "104": UsageLimit,
	"105": FunctionDenied, "106": InvalidAddress, "301": InvalidFields, "302": TooManyAddresses, "303": BatchDenied,
}

// words says each failure in one sentence for the administrator who may mend
// it and the underwriter who reads the record.
var words = map[string]string{
	NotFound:         "ipstack does not know the page that was asked for: check the base URL.",
	MissingKey:       "ipstack got no access key: enter the key of your ipstack account.",
	InvalidKey:       "ipstack does not accept the access key: copy it again from your ipstack account.",
	InactiveUser:     "The ipstack account is not active: check its state and billing at ipstack.",
	InvalidFunction:  "ipstack does not know the function that was asked for: check the base URL.",
	UsageLimit:       "The monthly quota of the ipstack plan is used up: raise the plan or wait for the next month.",
	FunctionDenied:   "The ipstack plan does not include this kind of look-up: choose a plan that does.",
	HTTPSDenied:      "The ipstack plan does not allow HTTPS: choose a plan that does. The key is never sent without it.",
	InvalidAddress:   "ipstack says that the address is not an IP address.",
	InvalidFields:    "The ipstack plan lacks a part that was asked for; the security module needs a plan that includes it.",
	TooManyAddresses: "ipstack says that too many addresses were asked at once.",
	BatchDenied:      "ipstack took the request for a list of addresses, which the plan does not allow.",
	RateLimited:      "ipstack asks to slow down: too many requests in a short time.",
	ProviderError:    "ipstack reported an error that its documentation does not name.",
	ServerError:      "ipstack has trouble of its own: try again later.",
	Redirected:       "The base URL points to another place. Redirects are not followed, because the key would travel with them: enter the final address.",
	Unexpected:       "The server answered with a status that ipstack does not use: check the base URL.",
	EmptyAnswer:      "The answer was empty.",
	BrokenAnswer:     "The answer is not readable JSON. If this persists, the base URL is probably not ipstack's.",
	ListAnswer:       "The answer is a list, not the one address that was asked for.",
	NotIpstack:       "The server answers, but not as ipstack does: check the base URL.",
	WrongAddress:     "The answer is about another address than the one asked for, so none of it was used.",
	NotPublic:        "The address is not a public one, so ipstack was not asked.",
	NoKey:            "No ipstack access key is stored.",
	NoSecurity:       "ipstack answers, but the plan has no security module: proxy, Tor, crawler and threat level stay unknown. Choose a plan that includes it.",
	CircuitOpen:      "ipstack is not asked for the moment, because the quota of this key is used up or it asked to slow down.",
	Timeout:          "ipstack did not answer in time.",
	Cancelled:        "The look-up was given up before ipstack answered.",
	DNS:              "The host name of the base URL is not known: check its spelling and the name server.",
	Refused:          "The connection was refused: check the host, the port and the firewall.",
	TLS:              "The certificate of the server is not trusted: check the base URL, or what stands between.",
	TooLarge:         "The answer was larger than any answer of ipstack, so it was not read.",
	BlockedAddress:   "The base URL leads to an address inside our own network, where calls are not allowed.",
	BadURL:           "The base URL cannot be used: enter it as https://host, as ipstack's documentation gives it.",
	Unreachable:      "ipstack could not be reached.",
}

// problem makes a Problem of a code from the list.
func problem(failure string) *Problem { return &Problem{Failure: failure} }

// Words gives the failure in one sentence, with ipstack's number if there is one.
func (p *Problem) Words() string {
	w := words[p.Failure]
	if w == "" {
		w = words[ProviderError]
	}
	if p.Code != "" {
		w += " (ipstack error " + p.Code + ")"
	}
	return w
}

// asReported makes a Problem of what an error answer says. The type decides;
// the number only where there is no type; the text only to tell the monthly
// quota from a short-lived limit.
func asReported(status int, code, kind, text string) *Problem {
	kind = strings.ToLower(strings.TrimSpace(kind))
	text = strings.ToLower(text)
	quota := strings.Contains(text, "usage limit") || strings.Contains(text, "quota") || strings.Contains(text, "monthly")
	p := &Problem{Failure: kind, Code: code, Status: status}
	if !own(kind) {
		p.Failure = byNumber[code]
	}
	switch {
	case p.Failure != "":
	case quota:
		p.Failure = UsageLimit
	case strings.Contains(text, "api access key") || strings.Contains(text, "invalid authentication"):
		p.Failure = InvalidKey
	case status < 200 || status > 299:
		p.Failure = byStatus(status).Failure
	default:
		p.Failure = ProviderError
	}
	return p
}

// own reports whether a type is one that ipstack documents.
func own(kind string) bool {
	switch kind {
	case NotFound, MissingKey, InvalidKey, InactiveUser, InvalidFunction, UsageLimit, FunctionDenied,
		HTTPSDenied, InvalidAddress, InvalidFields, TooManyAddresses, BatchDenied:
		return true
	}
	return false
}

// byStatus makes a Problem of an HTTP status other than 2xx.
func byStatus(status int) *Problem {
	p := &Problem{Failure: Unexpected, Status: status}
	switch {
	case status == 429:
		p.Failure = RateLimited
	case status == 401 || status == 403:
		p.Failure = InvalidKey
	case status == 404:
		p.Failure = NotFound
	case status >= 300 && status <= 399:
		p.Failure = Redirected
	case status >= 500 && status <= 599:
		p.Failure = ServerError
	}
	return p
}
