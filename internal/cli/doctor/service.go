package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
)

// The words for providers that have a description of themselves to read.
const (
	providerIDCS = "idcs"
	providerSCIM = config.ProviderSCIM
)

// reply is an answer of the service, or what came instead.
type reply struct {
	status int
	header http.Header
	body   []byte
	at     time.Time
	err    error
}

func (a reply) html() bool {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return err == nil && (media == "text/html" || media == "application/xhtml+xml")
}

// get reads a path without a token, once.
func (o *options) get(ctx context.Context, f facts, path string) reply {
	opts, err := o.Transport(ctx, f.profile)
	if err != nil {
		return reply{err: err}
	}
	opts.Retry.Attempts, opts.Timeout = 1, o.Limit
	client, err := transport.NewClient(opts)
	if err != nil {
		return reply{err: err}
	}
	defer client.Transport().CloseIdleConnections()
	resp, err := client.Do(ctx, &transport.Request{
		Method: http.MethodGet, Path: path,
		Header: http.Header{"Accept": {"application/scim+json, application/json"}},
		Call:   transport.Call{NoRetry: true},
	})
	if err != nil {
		return reply{err: err}
	}
	return reply{status: resp.Status, header: resp.Header, body: resp.Body, at: o.Clock()}
}

// note is what every answer teaches.
func (a reply) note(path string) func(*facts) {
	return func(f *facts) {
		if said, err := http.ParseTime(a.header.Get("Date")); err == nil {
			f.answered, f.said = a.at, said
		}
		if a.status == http.StatusTooManyRequests {
			f.throttled = append(f.throttled, path+retryAfter(a.header))
		}
	}
}

func retryAfter(h http.Header) string {
	if v := h.Get("Retry-After"); v != "" {
		return " (Retry-After: " + v + ")"
	}
	return ""
}

func checkService(ctx context.Context, o *options, f facts) result {
	if f.profile.Local() && f.noDatabase {
		return skip("no database yet")
	}
	path := ""
	switch f.profile.Provider {
	case providerIDCS:
		path = "/.well-known/idcs-configuration"
	case providerSCIM:
		path = "/ServiceProviderConfig"
	}
	a := o.get(ctx, f, path)
	r := o.judge(ctx, f, a, path)
	also := r.learn
	r.learn = func(f *facts) {
		if a.err == nil {
			a.note(path)(f)
		}
		if also != nil {
			also(f)
		}
	}
	return r
}

func (o *options) judge(ctx context.Context, f facts, a reply, path string) result {
	if a.err != nil {
		return fail(a.err, "", "%s", cause(a.err))
	}
	what := fmt.Sprintf("%d at %s", a.status, path)
	if path == "" {
		what = fmt.Sprintf("%d", a.status)
	}
	switch {
	case a.status >= 500:
		return fail(transport.ErrUnreachable, "try again later; if it stays, tell whoever runs the service", "the service has trouble: %s", what)
	case a.status == http.StatusTooManyRequests:
		return fail(transport.ErrThrottled, "try again later", "too many requests: %s%s", what, retryAfter(a.header))
	case a.html():
		return fail(nil, "check the address; a proxy or the sign-in page of a network may answer in its place", "a web page came instead of an API: %s", what)
	case path == "":
		return ok("answers %s; provider %s describes itself nowhere", what, f.profile.Provider)
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return ok("there, and says nothing of itself without a token: %s", what)
	}
	if kind := describes(a); a.status/100 == 2 && kind.provider == f.profile.Provider {
		r := ok("%s", kind.text)
		r.Details = kind.details
		return r
	}
	return o.other(ctx, f, what)
}

// other looks what a service is that is not what the profile says.
func (o *options) other(ctx context.Context, f facts, what string) result {
	for _, path := range []string{"/.well-known/idcs-configuration", "/ServiceProviderConfig", "/scim/v2/ServiceProviderConfig"} {
		a := o.get(ctx, f, path)
		kind := describes(a)
		if a.err != nil || a.status/100 != 2 || kind.provider == "" {
			continue
		}
		advice := "set provider=" + kind.provider
		if prefix, _ := strings.CutSuffix(path, "/ServiceProviderConfig"); kind.provider == providerSCIM && prefix != "" {
			advice += " url=" + strings.TrimRight(f.profile.URL, "/") + prefix
		}
		if f.profile.Name == config.EnvProfile {
			advice = "--" + strings.ReplaceAll(strings.TrimPrefix(advice, "set "), " ", " --")
		} else {
			advice = "idctl profile set " + f.profile.Name + strings.TrimPrefix(advice, "set")
		}
		return fail(nil, advice, "%s, not provider %s as the profile says", kind.text, f.profile.Provider)
	}
	return fail(nil, "check the address and the provider", "not a service of provider %s: %s", f.profile.Provider, what)
}

// kind is what a service says it is.
type kind struct {
	provider, text string
	details        []Detail
}

// describes reads a document by which a service describes itself.
func describes(a reply) kind {
	var d struct {
		OpenID struct {
			Issuer string `json:"issuer"`
		} `json:"openid-configuration"`
		SCIM struct {
			BaseURL string `json:"base_url"`
		} `json:"scim-configuration"`
		Schemas []string `json:"schemas"`
		Patch   struct {
			Supported bool `json:"supported"`
		} `json:"patch"`
		Bulk struct {
			Supported     bool `json:"supported"`
			MaxOperations int  `json:"maxOperations"`
		} `json:"bulk"`
		Filter struct {
			Supported bool `json:"supported"`
		} `json:"filter"`
	}
	if a.err != nil || json.Unmarshal(a.body, &d) != nil {
		return kind{}
	}
	if d.SCIM.BaseURL != "" || d.OpenID.Issuer != "" {
		k := kind{provider: providerIDCS, text: "an identity domain, " + d.SCIM.BaseURL, details: []Detail{{Name: "scim", Value: d.SCIM.BaseURL}}}
		if d.OpenID.Issuer != "" {
			k.text += ", issuer " + d.OpenID.Issuer
			k.details = append(k.details, Detail{Name: "issuer", Value: d.OpenID.Issuer})
		}
		return k
	}
	const schema = "urn:ietf:params:scim:schemas:core:2.0:serviceproviderconfig"
	if !slices.ContainsFunc(d.Schemas, func(s string) bool { return strings.EqualFold(s, schema) }) {
		return kind{}
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	return kind{
		provider: providerSCIM,
		text:     fmt.Sprintf("a SCIM 2.0 server: patch %s, bulk %s, filter %s", yes(d.Patch.Supported), yes(d.Bulk.Supported), yes(d.Filter.Supported)),
		details: []Detail{
			{Name: "patch", Value: yes(d.Patch.Supported)},
			{Name: "bulk", Value: yes(d.Bulk.Supported)},
			{Name: "filter", Value: yes(d.Filter.Supported)},
		},
	}
}

// Differences of the clocks that are worth a word: signed assertions live for
// minutes, and a Date header is up to a second and its way old.
const (
	skewed     = time.Minute
	wrongClock = 5 * time.Minute
)

func checkClock(_ context.Context, _ *options, f facts) result {
	if f.base == nil {
		return skip(inside)
	}
	if f.said.IsZero() {
		return skip("no answer with a Date header came")
	}
	skew := f.answered.Sub(f.said)
	word := "ahead of"
	if skew < 0 {
		skew, word = -skew, "behind"
	}
	advice := "set this machine's clock, best by NTP: tokens and certificates are judged by it"
	text := fmt.Sprintf("this machine is %s %s the service", span(skew), word)
	switch {
	case skew > wrongClock:
		return fail(nil, advice, "%s", text)
	case skew > skewed:
		return warn(advice, "%s", text)
	case skew < 2*time.Second:
		return ok("agrees with the service's")
	}
	return ok("%s", text)
}

// right is one thing that the token may do.
type right struct {
	what string
	a    reply
}

func checkRights(ctx context.Context, o *options, f facts) result {
	r := f.profile
	if r.Local() && f.noDatabase {
		return skip("no database yet")
	}
	prefix := ""
	switch r.Provider {
	case providerIDCS:
		prefix = idcs.BasePath
	case providerSCIM:
	default:
		return skip("not looked at for provider %s", r.Provider)
	}
	p, err := o.Provider(ctx)
	if errors.Is(err, provider.ErrUnsupported) {
		return skip("%v", err)
	}
	if err != nil {
		return fail(err, "", "%v", err)
	}
	rights := make([]right, 0, 2)
	for _, endpoint := range []string{"Users", "Groups"} {
		path := prefix + "/" + endpoint + "?count=1&attributes=id"
		resp, err := p.Raw(ctx, provider.RawRequest{
			Method: http.MethodGet, Path: p.BaseURL() + path, NoRetry: true,
			Header: map[string]string{"Accept": "application/scim+json, application/json"},
		})
		a := reply{err: err, at: o.Clock()}
		if err == nil {
			a.status, a.header, a.body = resp.Status, resp.Header, resp.Body
		}
		rights = append(rights, right{strings.ToLower(endpoint), a})
	}
	res := judgeRights(rights, r, cmdutil.ReadClaims(f.token).Roles)
	res.learn = func(f *facts) {
		for _, x := range rights {
			if x.a.err == nil {
				x.a.note(x.what)(f)
			}
		}
	}
	return res
}

func judgeRights(rights []right, r *config.Resolved, roles []string) result {
	var may, not []string
	for _, x := range rights {
		switch {
		case x.a.err != nil:
			return fail(x.a.err, "", "read one of the %s: %s", x.what, cause(x.a.err))
		case x.a.status == http.StatusUnauthorized:
			return fail(transport.ErrToken, "idctl logout and idctl login --profile "+r.Name+"; the client may have been deactivated",
				"the service does not accept the token (401)")
		case x.a.status == http.StatusForbidden:
			not = append(not, x.what)
		case x.a.status == http.StatusTooManyRequests:
			return fail(transport.ErrThrottled, "try again later", "too many requests (429)%s", retryAfter(x.a.header))
		case x.a.status >= 500:
			return fail(transport.ErrUnreachable, "try again later", "read one of the %s: the service answers %d", x.what, x.a.status)
		case x.a.status/100 != 2 || x.a.html() || !json.Valid(x.a.body):
			return fail(nil, "check the address and the provider", "read one of the %s: %d and no list", x.what, x.a.status)
		default:
			may = append(may, x.what)
		}
	}
	has := "; no roles are named"
	if len(roles) > 0 {
		has = "; roles: " + firstFew(roles)
	}
	has += ". Writing was not tried"
	advice := "give the client or user an administrator role, such as User Administrator; new roles are in new tokens only: idctl logout"
	switch {
	case len(may) == 0:
		return fail(transport.ErrToken, advice, "may read neither users nor groups (403)%s", has)
	case len(not) > 0:
		return warn(advice, "may read %s, not %s (403)%s", may[0], not[0], has)
	}
	return ok("may read users and groups%s", has)
}

func checkLimits(_ context.Context, _ *options, f facts) result {
	r := f.profile
	if len(f.throttled) > 0 {
		return warn("others use the limit too, or it is lower than is known: give a rate with --rate or the setting rate",
			"the service answered 429: %s", strings.Join(f.throttled, ", "))
	}
	var res result
	switch {
	case r.Local():
		return ok("none: %s", inside)
	case r.Rate > 0:
		return ok("%g requests a second, by %s", r.Rate, r.Values["rate"].Where)
	case r.Provider != providerIDCS:
		return ok("none known for provider %s; Retry-After is obeyed", r.Provider)
	case r.DomainType == "":
		res = ok("the domain's type is not set, so the lowest limits are kept: %s", published(idcs.Free))
		res.Advice = "set it if the domain has another: idctl profile set " + r.Name + " domainType=premium"
		if r.Name == config.EnvProfile {
			res.Advice = "set it if the domain has another: IDCTL_DOMAIN_TYPE=premium"
		}
		return res
	}
	return ok("of domain type %s: %s", r.DomainType, published(idcs.DomainType(r.DomainType)))
}

// published are the limits of a domain type, and the part of them that is used.
func published(t idcs.DomainType) string {
	l := idcs.Limits(t)[idcs.GroupOther]
	return fmt.Sprintf("%d requests a second and %d a minute, of which %.0f %% are used",
		l.PerSecond, l.PerMinute, transport.DefaultShare*100)
}
