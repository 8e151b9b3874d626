package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that JSON writes as "1m30s".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// FaultAction is what a fault does to a request.
type FaultAction string

// The actions of faults.
const (
	// FaultLatency only waits; every other action may wait as well.
	FaultLatency FaultAction = "latency"
	// FaultStatus answers a status without doing anything.
	FaultStatus FaultAction = "status"
	// FaultDrop closes the connection before the request is handled.
	FaultDrop FaultAction = "drop"
	// FaultCut handles the request and breaks off in the middle of the
	// answer: the write happened, and the client does not know.
	FaultCut FaultAction = "cut"
	// FaultExpire treats the request's token as expired, for good: the client
	// must get another one.
	FaultExpire FaultAction = "expire-tokens"
	// FaultIgnoreTerms handles the request, but a new bypass code expires and
	// can be used as the settings say, whatever the request asks for.
	FaultIgnoreTerms FaultAction = "ignore-terms"
	// FaultHideCodes handles the request and leaves bypass codes out of what
	// is read.
	FaultHideCodes FaultAction = "hide-codes"
)

// FaultRule says which requests go wrong and how. The zero value of each
// condition matches everything; a rule without Every and Probability fires on
// every match. Its text form is ACTION[:key=value,...], where ACTION is one of
// the actions or a status: "429:every=3,path=/admin/v1/Users,retry-after=1".
type FaultRule struct {
	Action FaultAction `json:"action"`
	// Status is the answer's status, 400 to 599, for FaultStatus.
	Status int `json:"status,omitempty"`
	// RetryAfter, in seconds, is sent with a status; nil sends none.
	RetryAfter *int `json:"retryAfter,omitempty"`
	// Delay is waited before anything else.
	Delay Duration `json:"delay,omitempty"`
	// Family is admin, scim, oauth2 or well-known.
	Family string `json:"family,omitempty"`
	// Path is a prefix of the request's path or, with *, ? or [ in it, a
	// pattern of path.Match for the whole path.
	Path string `json:"path,omitempty"`
	// Method is the HTTP method.
	Method string `json:"method,omitempty"`
	// Every fires on every n-th match, Probability (0 to 1) by chance.
	Every       int     `json:"every,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	// Times ends the rule after it fired that often.
	Times int `json:"times,omitempty"`
}

// ErrFaultRule is what every error about a fault rule is.
var ErrFaultRule = errors.New("fault rule is not valid")

func faultError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFaultRule, fmt.Sprintf(format, args...))
}

// Validate says what is wrong with a rule.
func (f FaultRule) Validate() error {
	switch f.Action {
	case FaultStatus:
		if f.Status < 400 || f.Status > 599 {
			return faultError("status must be 400 to 599, not %d", f.Status)
		}
	case FaultLatency:
		if f.Delay <= 0 {
			return faultError("latency needs a delay, such as latency:delay=200ms")
		}
	case FaultDrop, FaultCut, FaultExpire, FaultIgnoreTerms, FaultHideCodes:
	default:
		return faultError("action %q is not known; there are latency, a status, drop, cut, expire-tokens, ignore-terms and hide-codes", f.Action)
	}
	if f.Action != FaultStatus && (f.Status != 0 || f.RetryAfter != nil) {
		return faultError("%s takes neither status nor retry-after", f.Action)
	}
	if f.RetryAfter != nil && *f.RetryAfter < 0 {
		return faultError("retry-after must not be negative")
	}
	if f.Delay < 0 || f.Every < 0 || f.Times < 0 {
		return faultError("delay, every and times must not be negative")
	}
	if !(f.Probability >= 0 && f.Probability <= 1) { // written so that NaN fails
		return faultError("probability must be 0 to 1")
	}
	if f.Every > 0 && f.Probability > 0 {
		return faultError("give either every or probability")
	}
	if f.Family != "" && !slices.Contains([]string{familyAdmin, familySCIM, familyOAuth, familyWellKnown}, f.Family) {
		return faultError("family %q is not known; there are admin, scim, oauth2 and well-known", f.Family)
	}
	if f.Method != "" && !slices.Contains(allMethods, f.Method) {
		return faultError("method %q is not known", f.Method)
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return faultError("path %q: %v", f.Path, err)
	}
	return nil
}

var allMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// matches tells whether the conditions hold for a request.
func (f *FaultRule) matches(family, method, urlPath string) bool {
	if f.Family != "" && f.Family != family || f.Method != "" && f.Method != method {
		return false
	}
	if strings.ContainsAny(f.Path, "*?[") {
		ok, err := path.Match(f.Path, urlPath)
		return err == nil && ok
	}
	return strings.HasPrefix(urlPath, f.Path)
}

// String writes the text form, which ParseFault reads back.
func (f FaultRule) String() string {
	var parts []string
	add := func(key, value string) { parts = append(parts, key+"="+faultEscaper.Replace(value)) }
	if f.Every != 0 {
		add("every", strconv.Itoa(f.Every))
	}
	if f.Probability != 0 {
		add("probability", strconv.FormatFloat(f.Probability, 'g', -1, 64))
	}
	if f.Times != 0 {
		add("times", strconv.Itoa(f.Times))
	}
	if f.Family != "" {
		add("family", f.Family)
	}
	if f.Method != "" {
		add("method", f.Method)
	}
	if f.Path != "" {
		add("path", f.Path)
	}
	if f.Delay != 0 {
		add("delay", time.Duration(f.Delay).String())
	}
	if f.RetryAfter != nil {
		add("retry-after", strconv.Itoa(*f.RetryAfter))
	}
	head := string(f.Action)
	if f.Action == FaultStatus {
		head = strconv.Itoa(f.Status)
	}
	if len(parts) == 0 {
		return head
	}
	return head + ":" + strings.Join(parts, ",")
}

// A comma ends a value and a percent sign starts an escape, so both are
// escaped inside one.
var (
	faultEscaper   = strings.NewReplacer("%", "%25", ",", "%2C")
	faultUnescaper = strings.NewReplacer("%25", "%", "%2C", ",", "%2c", ",")
)

// ParseFault reads the text form of a rule.
func ParseFault(text string) (FaultRule, error) {
	var f FaultRule
	head, rest, more := strings.Cut(text, ":")
	if n, err := strconv.Atoi(head); err == nil {
		f.Action, f.Status = FaultStatus, n
	} else {
		f.Action = FaultAction(head)
		if f.Action == FaultStatus {
			return f, faultError("write the status itself, such as 503")
		}
	}
	if more {
		seen := map[string]bool{}
		for part := range strings.SplitSeq(rest, ",") {
			key, value, ok := strings.Cut(part, "=")
			if !ok || seen[key] {
				return f, faultError("%q: want key=value, each key once", part)
			}
			seen[key] = true
			if err := f.set(key, faultUnescaper.Replace(value)); err != nil {
				return f, err
			}
		}
	}
	return f, f.Validate()
}

func (f *FaultRule) set(key, value string) error {
	var err error
	switch key {
	case "every":
		f.Every, err = strconv.Atoi(value)
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "family":
		f.Family = value
	case "method":
		f.Method = value
	case "path":
		f.Path = value
	case "delay":
		err = f.Delay.UnmarshalText([]byte(value))
	case "retry-after":
		var n int
		n, err = strconv.Atoi(value)
		f.RetryAfter = &n
	default:
		return faultError("key %q is not known; there are every, probability, times, family, method, path, delay and retry-after", key)
	}
	if err != nil {
		return faultError("%s=%q: %v", key, value, err)
	}
	return nil
}

// UnmarshalJSON reads an object, or a string with the text form.
func (f *FaultRule) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		r, err := ParseFault(text)
		*f = r
		return err
	}
	type plain FaultRule // without this method
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return faultError("%v", err)
	}
	*f = FaultRule(p)
	return f.Validate()
}
