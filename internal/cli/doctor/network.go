package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/transport"
)

const (
	minute = time.Minute
	day    = 24 * time.Hour
)

// inside is why a check of the way has nothing to look at.
const inside = "the profile local is inside idctl"

// span is a duration for reading, in its largest unit.
func span(d time.Duration) string {
	switch {
	case d >= 2*day:
		return strconv.Itoa(int(d/day)) + " days"
	case d >= 2*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " hours"
	case d >= 2*minute:
		return strconv.Itoa(int(d/minute)) + " minutes"
	}
	return strconv.Itoa(int(d.Round(time.Second)/time.Second)) + " seconds"
}

func checkProxy(ctx context.Context, o *options, f facts) result {
	if f.base == nil {
		return skip(inside)
	}
	set := o.proxyVariables(f.base.Scheme)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base.String(), nil)
	if err != nil {
		return fail(nil, "correct the url", "the address of the profile cannot be used")
	}
	proxy, err := o.Proxy(req)
	if err != nil {
		// Its text repeats the variable, and with that a password.
		return fail(nil, "correct the variable: http://HOST:PORT", "the proxy in %s cannot be read", strings.Join(set, " or "))
	}
	direct := func(f *facts) { f.target = f.base }
	if proxy == nil {
		r := ok("none: neither %s is set", strings.ToUpper(f.base.Scheme)+"_PROXY nor its lower-case form")
		if len(set) > 0 {
			r = ok("not for %s, by NO_PROXY or because it is this machine (%s is set)", f.base.Hostname(), strings.Join(set, ", "))
		}
		r.learn = direct
		return r
	}
	text := proxy.Scheme + "://" + proxy.Host
	if proxy.User != nil {
		text += " with a user name and password"
	}
	r := ok("%s from %s", text, strings.Join(set, ", "))
	r.learn = func(f *facts) { f.target, f.proxied = proxy, true }
	return r
}

// proxyVariables are those that are set and count for a scheme.
func (o *options) proxyVariables(scheme string) []string {
	var set []string
	name := strings.ToUpper(scheme) + "_PROXY"
	for _, n := range []string{name, strings.ToLower(name)} {
		if v, _ := o.Env(n); v != "" {
			set = append(set, n)
		}
	}
	return set
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	switch u.Scheme {
	case "http":
		return "80"
	case "socks5", "socks5h":
		return "1080"
	}
	return "443"
}

func checkDNS(ctx context.Context, o *options, f facts) result {
	if f.base == nil {
		return skip(inside)
	}
	host := f.target.Hostname()
	if net.ParseIP(host) != nil {
		return ok("%s is a number already", host)
	}
	whose := ""
	if f.proxied {
		whose = " (the proxy, which looks up " + f.base.Hostname() + ")"
	}
	addresses, err := o.Resolve(ctx, host)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fail(transport.ErrUnreachable, "check the address for a typing mistake, and whether this network or its VPN knows the name",
			"%s%s: no such name", host, whose)
	case err != nil:
		return fail(transport.ErrUnreachable, "check this machine's connection and its name servers", "%s%s: %s", host, whose, cause(err))
	case len(addresses) == 0:
		return fail(transport.ErrUnreachable, "check the address", "%s%s: no address", host, whose)
	}
	return ok("%s%s: %s", host, whose, firstFew(addresses))
}

func checkConnection(ctx context.Context, o *options, f facts) result {
	if f.base == nil {
		return skip(inside)
	}
	address := net.JoinHostPort(f.target.Hostname(), port(f.target))
	start := o.Clock()
	conn, err := o.Dial(ctx, "tcp", address)
	if err != nil {
		advice := "check port and firewall; a network may let only its proxy out, which HTTPS_PROXY names"
		if f.proxied {
			advice = "check the proxy's address, and whether it runs"
		}
		return fail(transport.ErrUnreachable, advice, "%s: %s", address, cause(err))
	}
	took, peer := o.Clock().Sub(start), conn.RemoteAddr().String()
	if err := conn.Close(); err != nil {
		return warn("", "%s answers, but closing the connection failed: %v", address, err)
	}
	return ok("%s answers as %s within %d ms", address, peer, took.Milliseconds())
}

// seen is what a handshake showed.
type seen struct {
	state tls.ConnectionState
	had   bool
	err   error // why the certificate is not trusted
}

func checkTLS(ctx context.Context, o *options, f facts) result {
	if f.base == nil {
		return skip(inside)
	}
	if err := transport.CheckSecure(f.base); err != nil {
		return fail(err, "use an address that begins with https", "plain http to another machine: no secret is sent over it")
	}
	if f.base.Scheme == "http" {
		return ok("none: plain http, which is for this machine only")
	}
	opts, err := o.Transport(ctx, f.profile)
	if err != nil {
		return fail(err, "", "%v", err)
	}
	cfg, err := opts.TLS.Config()
	if err != nil {
		return fail(err, "correct caFile: a file of certificates in PEM form", "%v", err)
	}
	var s seen
	now := o.Clock()
	cfg.InsecureSkipVerify = true // it is verified below, which shows the certificate either way
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		s.state, s.had = state, true
		s.err = trusted(state, f.base.Hostname(), cfg.RootCAs, now)
		return s.err
	}
	rt := &http.Transport{
		TLSClientConfig: cfg, Proxy: o.Proxy, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		DialContext: o.Dial, TLSHandshakeTimeout: o.Limit,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, f.base.String(), nil)
	if err != nil {
		return fail(nil, "correct the url", "the address of the profile cannot be used")
	}
	if opts.Observe != nil {
		opts.Observe(req)
	}
	resp, err := rt.RoundTrip(req)
	if err == nil {
		err = resp.Body.Close()
	}
	if !s.had {
		return noHandshake(f, err)
	}
	r := describe(s, f, opts.TLS.CAFile, now)
	if resp != nil {
		if at, derr := http.ParseTime(resp.Header.Get("Date")); derr == nil {
			then := o.Clock()
			r.learn = func(f *facts) { f.answered, f.said = then, at }
		}
	}
	return r
}

func trusted(state tls.ConnectionState, host string, roots *x509.CertPool, now time.Time) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the service shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName: host, Roots: roots, Intermediates: between, CurrentTime: now,
	})
	return err
}

func noHandshake(f facts, err error) result {
	host := f.base.Host
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case err == nil:
		return warn("", "%s answered without a handshake", host)
	case f.proxied && strings.Contains(err.Error(), "Proxy Authentication Required"):
		return fail(transport.ErrUnreachable, "put user name and password into the variable: http://USER:PASSWORD@HOST:PORT", "the proxy wants a user name and password")
	case errors.As(err, &record), strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return fail(nil, "check the port, or whether the address should begin with http", "%s does not speak TLS on this port", host)
	case errors.As(err, &alert):
		return fail(nil, "it may want a client certificate or another version of TLS", "%s refused the secure connection: %v", host, err)
	case f.proxied:
		return fail(transport.ErrUnreachable, "ask whoever runs the proxy whether it lets "+host+" through", "through the proxy: %s", cause(err))
	}
	return fail(transport.ErrUnreachable, "a firewall may cut the connection", "%s: %s", host, cause(err))
}

// soon is when an end of a certificate is worth a warning.
const soon = 21 * day

func describe(s seen, f facts, caFile string, now time.Time) result {
	if len(s.state.PeerCertificates) == 0 {
		return fail(nil, "tell whoever runs the service", "%s shows no certificate", f.base.Host)
	}
	leaf := s.state.PeerCertificates[0]
	details := []Detail{
		{Name: "version", Value: tls.VersionName(s.state.Version)},
		{Name: "cipher", Value: tls.CipherSuiteName(s.state.CipherSuite)},
		{Name: "subject", Value: leaf.Subject.String()},
		{Name: "issuer", Value: leaf.Issuer.String()},
		{Name: "notBefore", Value: leaf.NotBefore.UTC().Format(time.RFC3339)},
		{Name: "notAfter", Value: leaf.NotAfter.UTC().Format(time.RFC3339)},
	}
	issuer := leaf.Issuer.CommonName
	if issuer == "" {
		issuer = leaf.Issuer.String()
	}
	text := fmt.Sprintf("%s, certificate by %s", tls.VersionName(s.state.Version), issuer)
	if caFile != "" {
		text += ", trusting " + caFile + " as well"
		details = append(details, Detail{Name: "caFile", Value: caFile})
	}
	left := leaf.NotAfter.Sub(now)
	var r result
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case now.After(leaf.NotAfter):
		r = fail(nil, "check this machine's clock, then tell whoever runs the service", "%s, expired %s ago", text, span(-left))
	case now.Before(leaf.NotBefore):
		r = fail(nil, "check this machine's clock, then tell whoever runs the service", "%s, valid in %s only", text, span(leaf.NotBefore.Sub(now)))
	case errors.As(s.err, &name):
		r = fail(nil, "check the address: the certificate is for "+firstFew(names(leaf)), "%s, for another name than %s", text, f.base.Hostname())
	case errors.As(s.err, &unknown):
		r = fail(nil, "give the file of that authority (PEM) with --ca-file or the setting caFile; a company's proxy may put its own certificate in between",
			"%s, an authority that this machine does not trust", text)
	case s.err != nil:
		r = fail(nil, "", "%s, not trusted: %v", text, s.err)
	case left < soon:
		r = warn("tell whoever runs the service that its certificate has to be renewed", "%s, expires in %s", text, span(left))
	default:
		r = ok("%s, expires in %s", text, span(left))
	}
	r.Details = details
	return r
}

func names(c *x509.Certificate) []string {
	out := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	if len(out) == 0 {
		out = []string{c.Subject.String()}
	}
	return out
}
