package cli

import (
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// plainTransport is the way to a service that is no identity domain: without
// published limits, and without the headers of identity domains.
func plainTransport(o idcs.Options, r *config.Resolved) transport.Options {
	t := transport.Options{
		BaseURL: o.BaseURL, Clock: o.Clock, Logger: o.Logger, Timeout: o.Timeout, TLS: o.TLS,
		RequestIDHeader: "X-Request-Id",
	}
	if r.Rate > 0 {
		t.Limits.Share, t.Limits.Rates = 1, map[string]transport.Rate{"": {PerSecond: r.Rate}}
	}
	return t
}

// plainTokens says where such a service gets its tokens. RFC 7644 leaves that
// open, so that the profile has to name the place.
func plainTokens(r *config.Resolved, cfg tokens.Config) (tokens.Config, error) {
	switch {
	case r.Auth == config.AuthToken, r.Auth == config.AuthBasic:
	case r.TokenURL == "":
		return cfg, cmdutil.Usagef("profile %s: auth %s needs tokenUrl, the service's OAuth token endpoint", r.Name, r.Auth).
			WithHint("idctl profile set NAME tokenUrl=URL, or IDCTL_TOKEN_URL without a profile; or use auth token or basic")
	}
	cfg.URL = r.TokenURL
	if cfg.Scope == "" {
		cfg.Scope = "-" // the default is a word of identity domains
	}
	return cfg, nil
}
