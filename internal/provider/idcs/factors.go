package idcs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

var (
	_ provider.FactorsProvider = (*Provider)(nil)
	_ provider.Factors         = (*factors)(nil)
)

const (
	questionsURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:securityQuestions:User"
	socialURN    = "urn:ietf:params:scim:schemas:oracle:idcs:extension:socialAccount:User"
	mfaURN       = "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User"

	factorQuestions = "SECURITY_QUESTIONS"
	factorSettings  = "AuthenticationFactorSetting"

	// onlyDevice is the message of a refusal to delete the last device.
	onlyDevice = "cannotDeleteOnlyExistingDevice"
)

// The members of a bypass code by which its terms are asked for. Only the
// first one is recorded, in an answer; that a request may set them is
// published nowhere, which is why they are read back.
const (
	codeUses    = "maxUsageCount"
	codeExpires = "expiresOn"
)

// Factors is what a domain does with second factors and credentials.
func (p *Provider) Factors() provider.Factors { return &factors{p, &lifeCycle{p}} }

type factors struct {
	p    *Provider
	life *lifeCycle
}

// owned are resources with a reference to their user.
type owned struct{ provider.Resources }

// Owned are the resources of a kind.
func (f *factors) Owned(what provider.Belonging) (provider.Owned, error) {
	r, err := f.p.Resource(string(what))
	if err != nil {
		return nil, err
	}
	return owned{r}, nil
}

// Of selects by user.value.
func (o owned) Of(users ...string) filter.Expr {
	if len(users) == 0 {
		return nil
	}
	terms := make([]filter.Expr, len(users))
	for i, id := range users {
		terms[i] = filter.Eq(filter.AttrPath{Name: "user", Sub: "value"}, id)
	}
	return filter.AnyOf(terms...)
}

// Owner is user.value.
func (o owned) Owner(doc scim.Document) string { return doc.String("user.value") }

// OwnerName is user.name, which credentials have, or user.display.
func (o owned) OwnerName(doc scim.Document) string { return first(doc, "user.name", "user.display") }

// switches are the settings that allow a method.
var switches = map[string]string{
	"EMAIL": "emailEnabled", "SMS": "smsEnabled", "TOTP": "totpEnabled", "OFFLINETOTP": "totpEnabled", "PUSH": "pushEnabled",
	"VOICE": "phoneCallEnabled", "PHONE_CALL": "phoneCallEnabled", factorQuestions: "securityQuestionsEnabled",
	"FIDO_AUTHENTICATOR": "fidoAuthenticatorEnabled", "YUBICO_OTP": "yubicoOtpEnabled",
}

// enabled answers which methods the settings allow. Whoever may not read the
// settings is told nothing of it.
func (f *factors) enabled(ctx context.Context) (func(method string) *bool, error) {
	doc, err := f.p.must(factorSettings).Get(ctx, "", scim.ListOptions{})
	if errors.Is(err, scim.ErrForbidden) || errors.Is(err, scim.ErrNotFound) {
		return func(string) *bool { return nil }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings of factors: %w", err)
	}
	return func(method string) *bool {
		name, ok := switches[strings.ToUpper(method)]
		if !ok {
			return nil
		}
		on, told := doc.Bool(name)
		if !told {
			return nil
		}
		return &on
	}, nil
}

// Factors reads Devices, and of users what they answered.
func (f *factors) Factors(ctx context.Context, users []string) iter.Seq2[provider.Factor, error] {
	return func(yield func(provider.Factor, error) bool) {
		fail := func(err error) { yield(provider.Factor{}, err) }
		enabled, err := f.enabled(ctx)
		if err != nil {
			fail(err)
			return
		}
		preferred := map[string]string{}
		var answered []provider.Factor
		for doc, err := range f.users(ctx, users, mfaURN+":preferredDevice", mfaURN+":preferredAuthenticationFactor", questionsURN+":secQuestions") {
			if err != nil {
				fail(err)
				return
			}
			device, method := doc.String(mfaURN+":preferredDevice.value"), doc.String(mfaURN+":preferredAuthenticationFactor")
			preferred[doc.ID()] = device + " " + method
			if n := len(objects(doc, questionsURN+":secQuestions")); n > 0 {
				answered = append(answered, provider.Factor{
					UserID: doc.ID(), Method: factorQuestions, Detail: fmt.Sprintf("%d questions", n), State: "ENROLLED",
					Enabled: enabled(factorQuestions), Preferred: strings.EqualFold(method, factorQuestions),
				})
			}
		}
		devices := owned{f.p.must("Device")}
		for chunk := range slices.Chunk(users, provider.FindBatch) {
			for doc, err := range devices.All(ctx, scim.ListOptions{Filter: devices.Of(chunk...)}) {
				if err != nil {
					fail(fmt.Errorf("read the devices: %w", err))
					return
				}
				for _, x := range ofDevice(devices, doc) {
					x.Enabled, x.Preferred = enabled(x.Method), preferred[x.UserID] == x.ID+" "+x.Method
					if !yield(x, nil) {
						return
					}
				}
			}
		}
		for _, x := range answered {
			if !yield(x, nil) {
				return
			}
		}
	}
}

// ofDevice are the factors of a device; one that has none yet is shown as
// itself.
func ofDevice(o owned, doc scim.Document) []provider.Factor {
	created, _ := doc.Time("meta.created")
	base := provider.Factor{
		ID: doc.ID(), UserID: o.Owner(doc), State: doc.String("status"), Created: created,
		Detail: detailOf(doc), Method: strings.ToUpper(doc.String("platform")),
	}
	list := objects(doc, "authenticationFactors")
	if len(list) == 0 {
		return []provider.Factor{base}
	}
	out := make([]provider.Factor, len(list))
	for i, x := range list {
		out[i] = base
		out[i].Method = x.String("type")
		if s := x.String("status"); s != "" && strings.EqualFold(base.State, "ENROLLED") {
			out[i].State = s
		}
	}
	return out
}

func detailOf(doc scim.Document) string {
	var parts []string
	for _, s := range []string{doc.String("displayName"), strings.TrimSpace(doc.String("countryCode") + doc.String("phoneNumber"))} {
		if s != "" && !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return doc.String("platform")
	}
	return strings.Join(parts, ", ")
}

// users reads some attributes of users, which are sent on request only.
func (f *factors) users(ctx context.Context, ids []string, attributes ...string) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		r := f.p.must("User")
		if len(ids) == 1 {
			doc, err := r.Get(ctx, ids[0], scim.ListOptions{Attributes: attributes})
			yield(doc, err)
			return
		}
		for chunk := range slices.Chunk(ids, provider.FindBatch) {
			terms := make([]filter.Expr, len(chunk))
			for i, id := range chunk {
				terms[i] = filter.Eq(filter.AttrPath{Name: "id"}, id)
			}
			for doc, err := range r.All(ctx, scim.ListOptions{Filter: filter.AnyOf(terms...), Attributes: attributes}) {
				if !yield(doc, err) || err != nil {
					return
				}
			}
		}
	}
}

// objects are the objects of an attribute with several values.
func objects(doc scim.Document, path string) []scim.Document {
	v, _ := doc.Get(path)
	list, _ := v.([]any)
	var out []scim.Document
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// RemoveFactor deletes the device, or the answers to the questions.
func (f *factors) RemoveFactor(ctx context.Context, x provider.Factor) error {
	if x.ID == "" {
		return f.RemoveQuestions(ctx, x.UserID)
	}
	err := f.p.must("Device").Delete(ctx, x.ID, scim.WriteOptions{})
	var refusal *scim.Error
	switch {
	case errors.Is(err, scim.ErrNotFound):
		return nil // somebody else, or an earlier attempt
	case errors.As(err, &refusal) && strings.HasSuffix(refusal.MessageID, onlyDevice):
		return fmt.Errorf("%w (%w)", provider.ErrLastFactor, err)
	}
	return err
}

// ResetFactors calls AuthenticationFactorsRemover.
func (f *factors) ResetFactors(ctx context.Context, user string, what provider.FactorReset, o provider.ActOptions) error {
	if o.RetryToken == "" {
		o.RetryToken = newToken() // nothing more is gone the second time
	}
	_, err := f.life.act(ctx, "AuthenticationFactorsRemover", "", scim.Document{"user": ref(user), "type": string(what)}, o, false)
	return err
}

func ref(id string) map[string]any { return map[string]any{"value": id} }

// MakeCode creates a BypassCode and reads it back.
func (f *factors) MakeCode(ctx context.Context, user string, terms provider.CodeTerms, o provider.ActOptions) (provider.Code, error) {
	r := f.p.must("BypassCode")
	body := scim.Document{"user": ref(user)}
	if terms.Uses > 0 {
		body[codeUses] = terms.Uses
	}
	if !terms.Expires.IsZero() {
		body[codeExpires] = terms.Expires.UTC().Format(time.RFC3339)
	}
	doc, err := r.Create(ctx, body, scim.WriteOptions{RetryToken: o.RetryToken, Once: true})
	if err != nil {
		return provider.Code{}, err
	}
	code := codeOf(doc)
	if code.ID == "" || code.Code == "" {
		return code, fmt.Errorf("%w: the service made a bypass code and does not tell it", scim.ErrBadResponse)
	}
	if terms.Uses == 0 && terms.Expires.IsZero() {
		return code, nil
	}
	// An answer may repeat the request; what is stored counts.
	stored, err := r.Get(ctx, code.ID, scim.ListOptions{})
	if err != nil {
		return code, f.undo(ctx, code, fmt.Errorf("read the bypass code back: %w", err))
	}
	got := codeOf(stored)
	if terms.Met(got) {
		got.Code = code.Code
		return got, nil
	}
	e := &provider.TermsError{Asked: terms, Got: provider.CodeTerms{Uses: got.Uses, Expires: got.Expires}}
	if err := f.drop(ctx, code.ID); err != nil {
		e.Kept, e.Err = code.ID, err
	}
	return provider.Code{}, e
}

// undone is an error of an act of which nothing is left.
type undone struct{ error }

func (e undone) Unwrap() error { return e.error }

// Sent is false: as if nothing had been sent.
func (undone) Sent() bool { return false }

// undo takes back a code that cannot be trusted.
func (f *factors) undo(ctx context.Context, c provider.Code, cause error) error {
	if err := f.drop(ctx, c.ID); err != nil {
		return fmt.Errorf("%w; the code %s could not be deleted: %w", cause, c.ID, err)
	}
	return undone{fmt.Errorf("%w; the code was deleted", cause)}
}

// drop deletes a code also where the caller has been told to stop: it is about
// a code that nobody knows of.
func (f *factors) drop(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer stop()
	err := f.p.must("BypassCode").Delete(ctx, id, scim.WriteOptions{})
	if errors.Is(err, scim.ErrNotFound) {
		return nil
	}
	return err
}

// dropTime bounds the call that takes a code back.
const dropTime = 30 * time.Second

func codeOf(doc scim.Document) provider.Code {
	c := provider.Code{ID: doc.ID(), Code: transport.Secret(doc.String("code"))}
	if n, ok := doc.Int(codeUses); ok {
		c.Uses = int(n)
	}
	c.Expires, _ = doc.Time(codeExpires)
	return c
}

// MailCode creates a BypassCodeNotification. Its members are a guess.
func (f *factors) MailCode(ctx context.Context, user, code string, o provider.ActOptions) error {
	_, err := f.p.must("BypassCodeNotification").Create(ctx,
		scim.Document{"user": ref(user), "bypassCode": ref(code)}, scim.WriteOptions{RetryToken: o.RetryToken, Once: true})
	return err
}

// SocialAccounts reads an attribute of users that is sent on request.
func (f *factors) SocialAccounts(ctx context.Context, users []string) iter.Seq2[provider.SocialAccount, error] {
	return func(yield func(provider.SocialAccount, error) bool) {
		for doc, err := range f.users(ctx, users, socialURN+":socialAccounts") {
			if err != nil {
				yield(provider.SocialAccount{}, err)
				return
			}
			for _, x := range objects(doc, socialURN+":socialAccounts") {
				if !yield(provider.NewSocialAccount(x.String("value"), doc.ID(), x.String("display"), x.String("$ref")), nil) {
					return
				}
			}
		}
	}
}

// RemoveSocialAccount deletes what the service links to; the resource itself
// is published nowhere.
func (f *factors) RemoveSocialAccount(ctx context.Context, a provider.SocialAccount) error {
	u, err := url.Parse(a.Link())
	if a.Link() == "" || err != nil || !strings.Contains(u.Path, "/admin/v1/") {
		return undone{&provider.UnsupportedError{
			Provider: Name, What: "remove a social account: it does not say where it is kept",
			Instead: "the user removes it in the console, under My profile, Linked accounts",
		}}
	}
	resp, err := f.p.Raw(ctx, provider.RawRequest{Method: http.MethodDelete, Path: a.Link()})
	switch {
	case err != nil:
		return err
	case resp.Status < 300 || resp.Status == http.StatusNotFound:
		return nil
	}
	return &scim.Error{Op: http.MethodDelete, Path: u.Path, Status: resp.Status, Detail: "a social account cannot be removed"}
}

// Questions reads what users answered, and the texts of the questions.
func (f *factors) Questions(ctx context.Context, users []string) iter.Seq2[provider.Question, error] {
	return func(yield func(provider.Question, error) bool) {
		texts := map[string]string{}
		for doc, err := range f.p.must("SecurityQuestion").All(ctx, scim.ListOptions{}) {
			if errors.Is(err, scim.ErrForbidden) {
				break // the ids are still worth showing
			}
			if err != nil {
				yield(provider.Question{}, fmt.Errorf("read the security questions: %w", err))
				return
			}
			texts[doc.ID()] = QuestionText(doc)
		}
		for doc, err := range f.users(ctx, users, questionsURN+":secQuestions") {
			if err != nil {
				yield(provider.Question{}, err)
				return
			}
			for _, x := range objects(doc, questionsURN+":secQuestions") {
				q := provider.Question{ID: x.String("value"), UserID: doc.ID(), Hint: x.String("hintText")}
				q.Text = texts[q.ID]
				if !yield(q, nil) {
					return
				}
			}
		}
	}
}

// QuestionText is the text of a security question: in English, else the
// default one, else the first.
func QuestionText(doc scim.Document) string {
	text := ""
	for _, x := range objects(doc, "questionText") {
		isDefault, _ := x.Bool("default")
		switch s := x.String("value"); {
		case strings.EqualFold(x.String("locale"), "en"):
			return s
		case text == "" || isDefault:
			text = s
		}
	}
	return text
}

// RemoveQuestions empties an attribute of the user.
func (f *factors) RemoveQuestions(ctx context.Context, user string) error {
	_, err := f.p.must("User").Patch(ctx, user, []scim.PatchOp{{Op: "remove", Path: questionsURN + ":secQuestions"}}, scim.WriteOptions{})
	return err
}

// SetCapabilities calls UserCapabilitiesChanger.
func (f *factors) SetCapabilities(ctx context.Context, user string, can map[string]bool, o provider.ActOptions) error {
	body := scim.Document{}
	for name, on := range can {
		body[name] = on
	}
	_, err := f.life.act(ctx, "UserCapabilitiesChanger", user, body, o, false)
	return err
}
