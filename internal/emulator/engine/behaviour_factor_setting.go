package engine

import (
	"encoding/json"
)

// Settings of factors, recovery and keep-me-signed-in. What the vendor's sample
// request sets is taken for what a fresh domain has; the rest is a guess.

// keepRequiredSettings makes a PUT of settings that leaves out a required group
// keep it: a sample request of the vendor does so.
const keepRequiredSettings = true

// msgSettings refuses settings that contradict each other. No source names it:
// a guess.
const msgSettings = "error.common.validation.contradictingValues"

// Guesses for settings that no sample shows.
const (
	defaultRecoveryAttempts = 5
	defaultRecoveryLockout  = 30 // minutes, documented
	defaultKmsiDays         = 90
	defaultKmsiUnusedDays   = 30
	defaultKmsiSessions     = 5
	defaultPolicyUpdateDays = 7
	defaultEmailCodeMinutes = 10
	defaultEmailCodeLength  = 6
)

func jsonInt(n int) json.Number { return json.Number(formatInt(int64(n))) }

// keepSettings fills in what a PUT of settings left out though it is required.
func keepSettings(c *Change) error {
	if c.Replace && keepRequiredSettings {
		for _, a := range c.ti.core.list {
			was := value(c.Old, a)
			if !a.Required || a.readOnly() || was == nil {
				continue
			}
			if value(c.New, a) == nil {
				setValue(c.New, a, clone(was))
				continue
			}
			if a.MultiValued || a.subs == nil {
				continue
			}
			m := maps1(value(c.New, a))
			for _, sub := range a.subs.list {
				if sub.Required {
					setIfAbsent(m, sub.Name, asMap(was)[sub.Name])
				}
			}
			setValue(c.New, a, m)
		}
	}
	return nil
}

// initialFactorSettings are those of the vendor's sample request, with guesses
// for what it leaves out.
func initialFactorSettings() Document {
	compliance := []any{}
	for _, p := range [][2]string{
		{"lockScreenRequired", "false"},
		{"lockScreenRequiredUnknown", "false"},
		{"jailBrokenDevice", "false"},
		{"jailBrokenDeviceUnknown", "false"},
		{"minWindowsVersion", "8.1"},
		{"minIosVersion", "7.1"},
		{"minAndroidVersion", "4.1"},
		{"minIosAppVersion", "4.0"},
		{"minAndroidAppVersion", "8.0"},
		{"minWindowsAppVersion", "1.0"},
	} {
		compliance = append(compliance, map[string]any{"name": p[0], "action": "Allow", "value": p[1]})
	}
	return Document{
		"bypassCodeEnabled": true, "pushEnabled": true, "totpEnabled": true,
		"smsEnabled": false, "securityQuestionsEnabled": false, "emailEnabled": true,
		"mfaEnrollmentType":    "Required",
		"notificationSettings": map[string]any{"pullEnabled": true},
		"bypassCodeSettings": map[string]any{
			"length": jsonInt(12), "maxActive": jsonInt(5), "helpDeskCodeExpiryInMins": jsonInt(61), "helpDeskMaxUsage": jsonInt(5),
			"selfServiceGenerationEnabled": true, "helpDeskGenerationEnabled": true,
		},
		"clientAppSettings": map[string]any{
			"deviceProtectionPolicy": "NONE", "initialLockoutPeriodInSecs": jsonInt(30), "keyPairLength": jsonInt(2048),
			"lockoutEscalationPattern": "Constant", "maxFailuresBeforeLockout": jsonInt(8), "maxFailuresBeforeWarning": jsonInt(5),
			"maxLockoutIntervalInSecs": jsonInt(86400), "minPinLength": jsonInt(6), "policyUpdateFreqInDays": jsonInt(defaultPolicyUpdateDays),
			"requestSigningAlgo": "SHA256withRSA", "sharedSecretEncoding": "Base32", "unlockAppForEachRequestEnabled": false,
			"unlockAppIntervalInSecs": jsonInt(300), "unlockOnAppForegroundEnabled": false, "unlockOnAppStartEnabled": false,
		},
		"compliancePolicy": compliance,
		"endpointRestrictions": map[string]any{
			"maxEndpointTrustDurationInDays": jsonInt(15), "maxEnrolledDevices": jsonInt(5), "maxTrustedEndpoints": jsonInt(5),
			"trustedEndpointsEnabled": true, "maxIncorrectAttempts": jsonInt(8),
		},
		"totpSettings": map[string]any{
			"hashingAlgorithm": "SHA1", "jwtValidityDurationInSecs": jsonInt(300), "keyRefreshIntervalInDays": jsonInt(60),
			"passcodeLength": jsonInt(6), "smsOtpValidityDurationInMins": jsonInt(10), "smsPasscodeLength": jsonInt(6),
			"timeStepInSecs": jsonInt(30), "timeStepTolerance": jsonInt(3),
			"emailOtpValidityDurationInMins": jsonInt(defaultEmailCodeMinutes), "emailPasscodeLength": jsonInt(defaultEmailCodeLength),
		},
	}
}

// initialQuestionSettings are recorded.
func initialQuestionSettings() Document {
	return Document{
		"numQuestionsToSetup": jsonInt(3), "numQuestionsToAns": jsonInt(1),
		"minAnswerLength": jsonInt(6), "maxFieldLength": jsonInt(100),
	}
}

// changedQuestionSettings refuses questions that nobody could answer.
func changedQuestionSettings(c *Change) error {
	if err := keepSettings(c); err != nil {
		return err
	}
	setup, ask := whole(c.New["numQuestionsToSetup"]), whole(c.New["numQuestionsToAns"])
	if ask > setup {
		return bad(msgSettings, "numQuestionsToAns is %d, more than numQuestionsToSetup, which is %d.", ask, setup)
	}
	shortest, longest := whole(c.New["minAnswerLength"]), whole(c.New["maxFieldLength"])
	if shortest > longest {
		return bad(msgSettings, "minAnswerLength is %d, more than maxFieldLength, which is %d.", shortest, longest)
	}
	return nil
}

func initialRecoverySettings() Document {
	return Document{
		"factors": []any{"email"}, "maxIncorrectAttempts": jsonInt(defaultRecoveryAttempts),
		"lockoutDuration": jsonInt(defaultRecoveryLockout),
	}
}

func initialKmsiSettings() Document {
	return Document{
		"tokenValidityInDays": jsonInt(defaultKmsiDays), "lastUsedValidityInDays": jsonInt(defaultKmsiUnusedDays),
		"maxAllowedSessions": jsonInt(defaultKmsiSessions),
		"kmsiFeatureEnabled": false, "kmsiPromptEnabled": false, "touPromptDisabled": false,
	}
}

// changedFactorSettings refuses lock times that contradict each other.
func changedFactorSettings(c *Change) error {
	if err := keepSettings(c); err != nil {
		return err
	}
	app := asMap(c.New["clientAppSettings"])
	first, longest := whole(app["initialLockoutPeriodInSecs"]), whole(app["maxLockoutIntervalInSecs"])
	if first > longest {
		return bad(msgSettings, "initialLockoutPeriodInSecs is %d, more than maxLockoutIntervalInSecs, which is %d.", first, longest)
	}
	return nil
}

// noteKmsiEnabled records when keep-me-signed-in was switched on.
func noteKmsiEnabled(c *Change) error {
	if err := keepSettings(c); err != nil {
		return err
	}
	if c.New["kmsiFeatureEnabled"] == true && c.Old["kmsiFeatureEnabled"] != true {
		c.New["lastEnabledOn"] = formatTime(c.Tx.now)
	}
	return nil
}

func whole(v any) int {
	n, _ := v.(json.Number)
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return int(i)
}

// factorLimit reads a number of a group of AuthenticationFactorSettings.
func (tx *Tx) factorLimit(group, name string) (int, error) {
	v, err := tx.setting("AuthenticationFactorSetting", group)
	return whole(asMap(v)[name]), err
}
