package httpserve

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// refusal is the answer to a request that is not admitted.
type refusal struct {
	status int
	reason string // stable code
	detail string
}

// The refusals. Nobody writes to them.
var (
	badHead         = &refusal{http.StatusBadRequest, "malformed_request", "The request is not well-formed HTTP."}
	badMethod       = &refusal{http.StatusMethodNotAllowed, "method_not_allowed", "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS."}
	badTarget       = &refusal{http.StatusBadRequest, "malformed_path", "The path must be absolute, in UTF-8, without dot segments, control characters and escaped slashes."}
	badHost         = &refusal{http.StatusBadRequest, "malformed_host", "Send exactly one Host."}
	ambiguousLength = &refusal{http.StatusBadRequest, "ambiguous_length", "Send one Content-Length, or Transfer-Encoding: chunked, and not both."}
	duplicateHeader = &refusal{http.StatusBadRequest, "duplicate_header", "Send Authorization, Cookie, Content-Type, Origin and the session cookie once."}
	bodyOnRead      = &refusal{http.StatusBadRequest, "unexpected_body", "A request with this method has no body."}
	tooLarge        = &refusal{http.StatusRequestHeaderFieldsTooLarge, "headers_too_large", "Send at most 100 headers and 32 KB of them."}
	overloaded      = &refusal{http.StatusServiceUnavailable, "overloaded", "Too much is going on; try again shortly."}
	broken          = &refusal{http.StatusInternalServerError, "internal", "Something went wrong on our side."}
)

var refusals = [...]*refusal{badHead, badMethod, badTarget, badHost, ambiguousLength, duplicateHeader, bodyOnRead, tooLarge}

var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func bodiless(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}

// admit judges a request that net/http has parsed, of any protocol version. For
// HTTP/1 it repeats what inspect did, for HTTP/2 it is the only judge; there,
// net/http itself refuses connection headers and bad pseudo-headers.
func admit(r *http.Request, cookies []string) *refusal {
	if no := checkLine(r.Method, r.RequestURI); no != nil {
		return no
	}
	if !isHost(r.Host) || len(r.Header["Host"]) > 1 || (len(r.Header["Host"]) == 1 && r.Header.Get("Host") != r.Host) {
		return badHost
	}
	if len(r.Header["Content-Length"]) > 1 || len(r.TransferEncoding) > 1 {
		return ambiguousLength
	}
	count := 0
	for name, values := range r.Header {
		count += len(values)
		for _, v := range values {
			if !isText(v) || !isToken(name) {
				return badHead
			}
		}
	}
	if count > maxHeaders {
		return tooLarge
	}
	if no := checkHeaders(r.Header, cookies); no != nil {
		return no
	}
	if bodiless(r.Method) && (r.ContentLength != 0 || len(r.TransferEncoding) > 0) {
		return bodyOnRead
	}
	return nil
}

func checkLine(method, target string) *refusal {
	if !slices.Contains(methods[:], method) {
		return badMethod
	}
	if !goodTarget(target) {
		return badTarget
	}
	return nil
}

// goodTarget takes the origin form only, and a path that everybody reads alike.
func goodTarget(target string) bool {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return false
	}
	for i := 0; i < len(target); i++ {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == '"' || c == '<' || c == '>' {
			return false
		}
	}
	raw, _, _ := strings.Cut(target, "?")
	path, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(path) || strings.Count(path, "/") != strings.Count(raw, "/") {
		return false
	}
	for _, r := range path {
		if r < ' ' || r == '\\' || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029 {
			return false
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// checkHeaders refuses second values where the first and the last reader of a
// request could choose differently.
func checkHeaders(h http.Header, cookies []string) *refusal {
	for _, name := range [...]string{"Authorization", "Cookie", "Content-Type", "Content-Encoding", "Origin", "Idempotency-Key", "Lendkeep-Site-Key", "Expect"} {
		if len(h[name]) > 1 {
			return duplicateHeader
		}
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(h.Get("Cookie"), ";") {
		name, _, _ := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "__host-") && !strings.HasPrefix(lower, "__secure-") && !slices.Contains(cookies, name) {
			continue
		}
		if seen[lower] {
			return duplicateHeader
		}
		seen[lower] = true
	}
	return nil
}

// isToken reports a header name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// isText reports a header value without control characters.
func isText(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// isHost reports the characters of a host name or address with a port.
func isHost(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("-._:[]", c) >= 0) {
			return false
		}
	}
	return s != "" && len(s) <= 262
}
