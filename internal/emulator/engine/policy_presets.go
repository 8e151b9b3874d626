package engine

import (
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/emulator/store"
)

// The policies of a fresh domain. Their ids and names, and their lengths,
// histories, ages and thresholds, are what public code reports of a domain as
// it was delivered.

// Ids of the policies that are always there.
const (
	defaultPolicyID  = "PasswordPolicy" // idcs-behaviour 3.4
	simplePolicyID   = "SimplePasswordPolicy"
	standardPolicyID = "StandardPasswordPolicy"
)

// Values of passwordStrength.
const (
	strengthSimple   = "Simple"
	strengthStandard = "Standard"
	strengthCustom   = "Custom"
)

// policyType is the resource type of password policies.
const policyType = "PasswordPolicy"

func numbers(m map[string]int) Document {
	d := Document{}
	for k, v := range m {
		d[k] = jsonInt(v)
	}
	return d
}

// simpleCriteria are those of the strength Simple. Length and threshold are
// reported; the rest is a guess.
func simpleCriteria() Document {
	d := numbers(map[string]int{
		"minLength": 8, "maxLength": 500, "minLowerCase": 1, "minUpperCase": 1, "minNumerals": 1,
		"maxIncorrectAttempts": 20, "lockoutDuration": 30,
	})
	for _, name := range []string{"firstNameDisallowed", "lastNameDisallowed", "userNameDisallowed"} {
		d[name] = true
	}
	return d
}

// standardCriteria are those of the strength Standard. Length, history, age
// and threshold are reported; the rest is a guess.
func standardCriteria() Document {
	d := simpleCriteria()
	for name, v := range numbers(map[string]int{
		"minSpecialChars": 1, "numPasswordsInHistory": 1, "passwordExpiresAfter": 120, "maxIncorrectAttempts": 5,
	}) {
		d[name] = v
	}
	return d
}

// defaultCriteria are those of the default policy until somebody changes it.
// Length, history, age and threshold are reported; the rest is a guess.
func defaultCriteria() Document {
	d := standardCriteria()
	for name, v := range numbers(map[string]int{"minLength": 12, "numPasswordsInHistory": 4}) {
		d[name] = v
	}
	return d
}

// presets are the policies of a fresh domain by id, in the order in which they
// are made.
func presets() []Document {
	preset := func(id, name, strength string, d Document, prevented ...any) Document {
		d["id"], d["name"], d["passwordStrength"] = id, name, strength
		d["idcsPreventedOperations"] = prevented
		return d
	}
	return []Document{
		preset(defaultPolicyID, "defaultPasswordPolicy", strengthCustom, defaultCriteria(), "delete"),
		preset(simplePolicyID, "simplePasswordPolicy", strengthSimple, simpleCriteria(), "replace", "update", "delete"),
		preset(standardPolicyID, "standardPasswordPolicy", strengthStandard, standardCriteria(), "replace", "update", "delete"),
	}
}

// seedPolicies makes the policies of a fresh domain. In a database of a time
// before there were any, somebody may have used their names.
func seedPolicies(tx *Tx) error {
	for _, d := range presets() {
		id, _ := d["id"].(string)
		err := tx.plant(policyType, id, d)
		if errors.Is(err, store.ErrUnique) {
			d["name"] = fmt.Sprintf("%v (%s)", d["name"], id)
			err = tx.plant(policyType, id, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
