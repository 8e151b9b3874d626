package scim

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim"
)

// unmask gives answers that say 200 and hold an error the status of that
// error, so that everything above sees a refusal for what it is.
func unmask(d scim.Doer, p *Provider) scim.Doer {
	return scim.DoerFunc(func(ctx context.Context, req *scim.Request) (*scim.Response, error) {
		resp, err := d.Do(ctx, req)
		if err != nil || resp.Status < 200 || resp.Status >= 300 {
			return resp, err
		}
		if status := maskedError(resp.Body); status != 0 {
			p.log.InfoContext(ctx, "the service answered an error with a status of success",
				"method", req.Method, "path", req.Path, "status", resp.Status, "meant", status)
			out := *resp
			out.Status = status
			return &out, nil
		}
		return resp, nil
	})
}

// maskedError is the status that a body says it is an error of, 0 for a body
// that is none. One that does not say which is taken for the server's own
// failure, after which nobody knows what happened.
func maskedError(body []byte) int {
	// Errors are short; a long body need not be looked through.
	const longest = 64 << 10
	if len(body) > longest || !bytes.Contains(bytes.ToLower(body), []byte("messages:2.0:error")) {
		return 0
	}
	doc, err := scim.DecodeDocument(body)
	if err != nil {
		return 0
	}
	is := slices.ContainsFunc(doc.Schemas(), func(s string) bool { return strings.EqualFold(s, scim.ErrorURN) })
	if !is {
		return 0 // an answer to a bulk call may hold errors of operations
	}
	status, _ := doc.Int("status")
	if status < 400 || status > 599 {
		return http.StatusInternalServerError
	}
	return int(status)
}
