package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// patience bounds one step in the browser; none takes a tenth of it.
const patience = 30 * time.Second

// browser is one window.
type browser struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // that of the window, which chromedp keeps there
	dir   string          // where the screenshots go
	shots int
	width int64

	mu       sync.Mutex
	messages []string // of the console: a policy that was violated shows there
}

// findChromium answers the browser of Debian, or of the system.
func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no chromium, and CI must not skip this: apt-get install chromium")
	}
	t.Skip("SKIPPED: there is no chromium on this machine, so the web pages are NOT tested in a browser. apt-get install chromium")
	return ""
}

// openBrowser starts a window of a width; dark asks for dark colours.
func openBrowser(t *testing.T, width, height int64, dark bool, language string) *browser {
	t.Helper()
	opts := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(findChromium(t)), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("lang", language), chromedp.Flag("accept-lang", language),
	})
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancel()
		cancelAlloc()
	})
	b := &browser{t: t, ctx: ctx, dir: t.ArtifactDir(), width: width}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	// The first call starts the browser, and must not have a deadline: the
	// browser ends with the context of that call.
	if err := chromedp.Do(ctx,
		chromedp.EmulateViewport(width, height),
		chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		})); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*log.EventEntryAdded); ok && e.Entry.Source != log.EntrySourceNetwork {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.messages = append(b.messages, e.Entry.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

// do runs actions of which none leads to another page.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v at %s", err, b.url())
	}
}

// lead runs actions that lead to another page, and checks its status.
func (b *browser) lead(status int64, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, actions...)
	if err != nil {
		b.t.Fatalf("%v at %s", err, b.url())
	}
	if resp.Status != status {
		b.t.Fatalf("%s is %d, want %d\n%s", resp.URL, resp.Status, status, b.text("body"))
	}
}

func (b *browser) open(url string, status int64) {
	b.t.Helper()
	b.lead(status, chromedp.Navigate(url))
}

// send fills in a form and sends it with a click, as a person does.
func (b *browser) send(status int64, fields ...[2]string) {
	b.t.Helper()
	for _, f := range fields {
		b.do(chromedp.Clear(chromedp.CSS("#"+f[0])), chromedp.SendKeys(chromedp.CSS("#"+f[0]), f[1]))
	}
	b.lead(status, chromedp.Click(chromedp.CSS("main form button")))
}

func (b *browser) url() string {
	u, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	u, _, _ = strings.Cut(u, "?") // a token is nothing for a log
	return u
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatalf("%s: %v at %s", selector, err, b.url())
	}
	return s
}

func (b *browser) attribute(selector, name string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.AttributeValue(chromedp.CSS(selector), name))
	if err != nil {
		b.t.Fatalf("%s: %v at %s", selector, err, b.url())
	}
	return v.Value
}

// eval runs a script of the test's own, which the policy of the pages does not
// keep out, and answers whether it is true.
func (b *browser) eval(script string) bool {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// want checks the page: its heading, that a text of it is there, that nothing
// ran that came from data, that nothing sticks out of the window, and what a
// reader of the page by ear needs. It keeps a picture.
func (b *browser) want(name, heading string, texts ...string) {
	b.t.Helper()
	if got := b.text("h1"); got != heading {
		b.t.Fatalf("%s: heading %q, want %q\n%s", name, got, heading, b.text("body"))
	}
	body := b.text("body")
	for _, s := range texts {
		if !strings.Contains(body, s) {
			b.t.Errorf("%s: %q is not on the page:\n%s", name, s, body)
		}
	}
	for what, script := range map[string]string{
		"a script from data ran":              `window.owned === undefined`,
		"the page has scripts":                `document.querySelectorAll("script, [onclick], [onload], [onerror]").length === 0`,
		"the page is wider than the window":   `document.documentElement.scrollWidth <= window.innerWidth`,
		"not one h1":                          `document.querySelectorAll("h1").length === 1`,
		"no main":                             `document.querySelectorAll("main").length === 1`,
		"no language":                         `document.documentElement.lang.length === 2`,
		"no style sheet":                      `getComputedStyle(document.body).display === "flex"`,
		"an input without a label":            `[...document.querySelectorAll("input:not([type=hidden])")].every(i => i.labels.length === 1)`,
		"an input without autocomplete":       `[...document.querySelectorAll("input:not([type=hidden])")].every(i => i.autocomplete !== "")`,
		"a target that is too small to touch": `[...document.querySelectorAll("main button, main .button, main input:not([type=hidden])")].every(e => e.getBoundingClientRect().height >= 44)`,
		"a link in the summary leads nowhere": `[...document.querySelectorAll(".errors a")].every(a => document.querySelector(a.getAttribute("href")) !== null)`,
		"an id that is there twice":           `(l => new Set(l).size === l.length)([...document.querySelectorAll("[id]")].map(e => e.id))`,
	} {
		if !b.eval(script) {
			b.t.Errorf("%s: %s", name, what)
		}
	}
	if low := b.lowContrast(); low != "" {
		b.t.Errorf("%s: too little contrast: %s", name, low)
	}
	b.shot(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.messages) > 0 {
		b.t.Errorf("%s: the browser complains: %q", name, b.messages)
		b.messages = nil
	}
}

// lowContrast names texts whose contrast is less than 4.5 to 1 (WCAG 2.2, 1.4.3).
func (b *browser) lowContrast() string {
	b.t.Helper()
	const script = `(() => {
		const rgba = s => (s.match(/[\d.]+/g) || []).map(Number);
		const light = c => { const f = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
		const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
		const bad = [];
		for (const e of document.querySelectorAll("body *")) {
			if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.tagName !== "INPUT") continue;
			const a = light(rgba(getComputedStyle(e).color)), b = light(ground(e));
			const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
			if (ratio < 4.5) bad.push(e.tagName + " " + e.className + " " + ratio.toFixed(2));
		}
		return bad.join(", ");
	})()`
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *browser) shot(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	b.shots++
	file := filepath.Join(b.dir, strings.Join([]string{string(rune('a' + b.shots - 1)), name}, "-")+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
