package engine

import (
	"unicode/utf8"
)

// Security questions: those of a fresh domain, which have names for ids, and
// the answers that a user gave.

// msgQuestions refuses answers to security questions. No source names it: a
// guess.
const msgQuestions = "error.identity.user.invalidSecurityQuestions"

// seedQuestions makes the questions that every domain has. The service's own
// component made them, so nobody is named as their creator.
func seedQuestions(tx *Tx) error {
	for _, q := range predefinedQuestions() {
		var texts []any
		for _, t := range q.texts {
			m := map[string]any{"locale": t.locale, "value": t.text}
			if t.locale == "en" {
				m["default"] = true
			}
			texts = append(texts, m)
		}
		err := tx.plant("SecurityQuestion", q.id, Document{"type": "default", "active": true, "questionText": texts})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkAnswers compares the questions of a user with the settings. Answers that
// were given before are hashes by now and are not looked at again.
func (c *Change) checkAnswers(before, after any) error {
	list := elements(after)
	if len(list) == 0 {
		return nil
	}
	ti, err := c.Tx.info("SecurityQuestion")
	if err != nil {
		return err
	}
	if err := c.Tx.seed(ti); err != nil {
		return err
	}
	limits := map[string]int{}
	for _, name := range []string{"numQuestionsToSetup", "minAnswerLength", "maxFieldLength"} {
		v, err := c.Tx.setting("SecurityQuestionSetting", name)
		if err != nil {
			return err
		}
		limits[name] = whole(v)
	}
	if n := limits["numQuestionsToSetup"]; len(list) < n {
		return bad(msgQuestions, "%d security questions are answered, and the settings ask for %d.", len(list), n)
	}
	seen := map[any]bool{}
	for _, x := range list {
		m := asMap(x)
		if seen[m["value"]] {
			return bad(msgQuestions, "A security question is answered twice.")
		}
		seen[m["value"]] = true
		if hint, _ := m["hintText"].(string); utf8.RuneCountInString(hint) > limits["maxFieldLength"] {
			return bad(msgQuestions, "A hint has more than %d characters.", limits["maxFieldLength"])
		}
		answer, _ := m["answer"].(string)
		if _, hashed := prefixOf(answer); hashed && c.answered(before, m) {
			continue
		}
		if n := utf8.RuneCountInString(answer); n < limits["minAnswerLength"] || n > limits["maxFieldLength"] {
			return bad(msgQuestions, "An answer to a security question must have %d to %d characters.",
				limits["minAnswerLength"], limits["maxFieldLength"])
		}
		if err := c.Tx.askable(ti, m["value"]); err != nil {
			return err
		}
	}
	return nil
}

// answered says that the user has this answer already.
func (c *Change) answered(before any, m map[string]any) bool {
	for _, x := range elements(before) {
		if old := asMap(x); old["value"] == m["value"] && old["answer"] == m["answer"] {
			return true
		}
	}
	return false
}

// askable refuses a question that is switched off; one that does not exist is
// refused as every reference to nothing is.
func (tx *Tx) askable(ti *typeInfo, id any) error {
	key, _ := id.(string)
	_, doc, err := tx.load(ti, key)
	if err != nil {
		return nil //nolint:nilerr // resolving the reference says so
	}
	if doc["active"] != true {
		return bad(msgQuestions, "The security question %q is not active.", key)
	}
	return nil
}
