package idcs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

var (
	_ provider.LifeCycler = (*Provider)(nil)
	_ provider.LifeCycle  = (*lifeCycle)(nil)
)

// selfChange is the extension by which a body permits to change the account
// that the request is made with.
const selfChange = "urn:ietf:params:scim:schemas:oracle:idcs:extension:selfChange:User"

// LifeCycle is what a domain does to users beside changing attributes.
func (p *Provider) LifeCycle() provider.LifeCycle { return &lifeCycle{p} }

type lifeCycle struct{ p *Provider }

// newToken is a retry token for a call that belongs to no run.
func newToken() string { return rand.Text() }

// act sends the body of an action to its endpoint, that of a user where id is
// not empty.
func (l *lifeCycle) act(ctx context.Context, typ, id string, body scim.Document, o provider.ActOptions, once bool) (scim.Document, error) {
	r := l.p.must(typ)
	doc := scim.Document{}
	for k, v := range body {
		doc[k] = v
	}
	if o.Self {
		doc[selfChange] = map[string]any{"allowSelfChange": true}
	}
	opts := scim.WriteOptions{RetryToken: o.RetryToken, Once: once}
	if id == "" {
		return r.Create(ctx, doc, opts)
	}
	return r.Replace(ctx, id, doc, opts)
}

// Invite calls UserActivationInitiator.
func (l *lifeCycle) Invite(ctx context.Context, id string, o provider.ActOptions) error {
	_, err := l.act(ctx, "UserActivationInitiator", id, nil, o, true)
	return err
}

// SetActive calls UserStatusChanger.
func (l *lifeCycle) SetActive(ctx context.Context, id string, active bool, o provider.ActOptions) error {
	_, err := l.act(ctx, "UserStatusChanger", id, scim.Document{"active": active}, o, false)
	return err
}

// Unlock calls UserLockedStateChanger.
func (l *lifeCycle) Unlock(ctx context.Context, id string, o provider.ActOptions) error {
	if o.RetryToken == "" {
		o.RetryToken = newToken()
	}
	_, err := l.act(ctx, "UserLockedStateChanger", "", scim.Document{"userId": id, "locked": false}, o, false)
	return err
}

// ResetPassword calls UserPasswordResetter.
func (l *lifeCycle) ResetPassword(ctx context.Context, id string, o provider.ResetOptions) error {
	_, err := l.act(ctx, "UserPasswordResetter", id, quiet(nil, o), o.ActOptions, true)
	return err
}

// SetPassword calls UserPasswordChanger.
func (l *lifeCycle) SetPassword(ctx context.Context, id string, password transport.Secret, o provider.ResetOptions) error {
	_, err := l.act(ctx, "UserPasswordChanger", id, quiet(scim.Document{"password": password.Reveal()}, o), o.ActOptions, false)
	return broken(err)
}

func quiet(body scim.Document, o provider.ResetOptions) scim.Document {
	if body == nil {
		body = scim.Document{}
	}
	if o.Quiet {
		body["bypassNotification"] = true
	}
	return body
}

// GeneratePassword calls UserPasswordGenerator.
func (l *lifeCycle) GeneratePassword(ctx context.Context, id string) (transport.Secret, error) {
	doc, err := l.act(ctx, "UserPasswordGenerator", id, nil, provider.ActOptions{}, false)
	if err != nil {
		return "", err
	}
	// Neither member is published; see the guesses of the emulator.
	for _, name := range []string{"password", "generatedPassword"} {
		if s := doc.String(name); s != "" {
			return transport.Secret(s), nil
		}
	}
	return "", fmt.Errorf("%w: the service suggests no password", scim.ErrBadResponse)
}

// CheckPassword calls UserPasswordValidator.
func (l *lifeCycle) CheckPassword(ctx context.Context, c provider.PasswordCheck) error {
	body := scim.Document{"password": c.Password.Reveal()}
	var o provider.ActOptions
	if c.ID == "" {
		for name, value := range map[string]string{"userName": c.UserName, "givenName": c.GivenName, "familyName": c.FamilyName} {
			if value != "" {
				body[name] = value
			}
		}
		o.RetryToken = newToken() // a check may be repeated
	}
	doc, err := l.act(ctx, "UserPasswordValidator", c.ID, body, o, false)
	if err != nil {
		return broken(err)
	}
	return judged(doc)
}

// judged reads an answer that is a resource: whether the password is valid, and
// which rules it breaks.
func judged(doc scim.Document) error {
	rules := rulesOf(doc)
	valid, said := doc.Bool("valid")
	if !said {
		valid, said = doc.Bool("isValid")
	}
	if said && valid || !said && len(rules) == 0 {
		return nil
	}
	return &provider.PasswordError{Rules: rules}
}

// ruleMembers are where answers name broken rules. None is published.
var ruleMembers = [...]string{"failedRules", "failedPasswordPolicyRules", "failedPasswordRules", "brokenRules", "errors", "rules"}

func rulesOf(doc scim.Document) []provider.Rule {
	var out []provider.Rule
	for _, name := range ruleMembers {
		v, _ := doc.Get(name)
		list, ok := v.([]any)
		if !ok {
			continue
		}
		for _, e := range list {
			switch e := e.(type) {
			case string:
				if strings.ContainsRune(e, ' ') {
					out = append(out, provider.Rule{Text: e})
				} else {
					out = append(out, provider.Rule{Name: e})
				}
			case map[string]any:
				d := scim.Document(e)
				out = append(out, provider.Rule{
					Name: first(d, "name", "ruleName", "rule", "messageId", "key"),
					Text: first(d, "description", "message", "detail", "text", "value"),
				})
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}

func first(d scim.Document, names ...string) string {
	for _, n := range names {
		if s := d.String(n); s != "" {
			return s
		}
	}
	return ""
}

// broken makes a refusal that names rules of the password policy a
// PasswordError. Where the refusal has a sentence for each rule, behind others
// perhaps, these are its texts.
func broken(err error) error {
	var e *scim.Error
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Data == nil {
		return err
	}
	rules := rulesOf(e.Data)
	if len(rules) == 0 {
		return err
	}
	sentences := strings.SplitAfter(e.Detail, ". ")
	if extra := len(sentences) - len(rules); extra >= 0 {
		for i := range rules {
			if rules[i].Text == "" {
				rules[i].Text = strings.TrimSuffix(strings.TrimSpace(sentences[extra+i]), ".")
			}
		}
	}
	return &provider.PasswordError{Rules: rules, Err: err}
}

// SuggestUserName calls UserNameGenerator.
func (l *lifeCycle) SuggestUserName(ctx context.Context, email string) (string, error) {
	doc, err := l.act(ctx, "UserNameGenerator", "", scim.Document{"email": email}, provider.ActOptions{RetryToken: newToken()}, false)
	if err != nil {
		return "", err
	}
	if s := doc.String("userName"); s != "" {
		return s, nil
	}
	return "", fmt.Errorf("%w: the service suggests no user name", scim.ErrBadResponse)
}

// Assert calls Asserter.
func (l *lifeCycle) Assert(ctx context.Context, attribute, value string, memberships bool) (scim.Document, error) {
	return l.act(ctx, "Asserter", "", scim.Document{
		"mappingAttribute": attribute, "mappingAttributeValue": value, "includeMemberships": memberships,
	}, provider.ActOptions{RetryToken: newToken()}, false)
}

// Types of links, as IdentitySettings.tokens names them.
const createUser = "createUser"

// Invitations lists UserTokens. Which of them a domain shows is not published:
// one that does not let them be read tells nothing.
func (l *lifeCycle) Invitations(ctx context.Context, ids []string) iter.Seq2[provider.Link, error] {
	return func(yield func(provider.Link, error) bool) {
		if ids == nil {
			l.links(ctx, nil, yield)
			return
		}
		for batch := range slices.Chunk(ids, provider.FindBatch) {
			terms := make([]filter.Expr, len(batch))
			for i, id := range batch {
				terms[i] = filter.Co(filter.AttrPath{Name: "userId"}, id) // the one operator that is recorded
			}
			if !l.links(ctx, filter.AnyOf(terms...), yield) {
				return
			}
		}
	}
}

func (l *lifeCycle) links(ctx context.Context, which filter.Expr, yield func(provider.Link, error) bool) (more bool) {
	for doc, err := range l.p.must("UserToken").All(ctx, scim.ListOptions{Filter: which}) {
		if errors.Is(err, scim.ErrForbidden) || errors.Is(err, scim.ErrNotFound) {
			err = fmt.Errorf("%w (%w)", &provider.UnsupportedError{Provider: Name, What: "tell the links of users"}, err)
		}
		if err != nil {
			yield(provider.Link{}, fmt.Errorf("read the links of users: %w", err))
			return false
		}
		if n, told := doc.Int("status"); told && n != 0 {
			continue // used, or replaced; 0 is what one that holds is recorded with
		}
		if !strings.EqualFold(doc.String("tokenType"), createUser) {
			continue
		}
		expires, _ := doc.Time("expiryTime")
		if !yield(provider.Link{UserID: first(doc, "userId", "userId.value"), Expires: expires}, nil) {
			return false
		}
	}
	return true
}

// History reads AuditEvents, which have the user as their object, as a
// member of it, or as the actor.
func (l *lifeCycle) History(ctx context.Context, user scim.Document, o provider.HistoryOptions) iter.Seq2[scim.Document, error] {
	r := l.p.must("AuditEvent")
	about := filter.Eq(filter.AttrPath{Name: "adminResourceId"}, user.ID())
	by := filter.Eq(filter.AttrPath{Name: "actorId"}, user.ID())
	named := filter.Eq(filter.AttrPath{Name: "adminRefResourceId"}, user.ID()) // a member of a group, say
	opts := scim.ListOptions{Filter: filter.AnyOf(about, named, by), SortBy: "timestamp", Descending: true}
	if o.Failures {
		opts.Filter = filter.AllOf(
			filter.Eq(filter.AttrPath{Name: "eventId"}, "sso.authentication.failure"),
			filter.Eq(filter.AttrPath{Name: "actorName"}, user.String("userName")),
		)
	}
	if o.Limit == 0 {
		return r.All(ctx, opts)
	}
	opts.Count = o.Limit
	return func(yield func(scim.Document, error) bool) {
		page, err := r.Page(ctx, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		for i, doc := range page.Resources {
			if i == o.Limit || !yield(doc, nil) {
				return
			}
		}
	}
}
