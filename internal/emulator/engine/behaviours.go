package engine

// behaviours is the table of hooks by resource type. A new behaviour is a file
// of its own and a line here.
func behaviours() map[string]Hooks {
	table := map[string]Hooks{
		"User":                           withFactors(userHooks()),
		"Group":                          groupHooks(),
		"App":                            appHooks(),
		"AppRole":                        appRoleHooks(),
		"AppStatusChanger":               {Action: changeAppStatus},
		"AppClientSecretRegenerator":     {Fetch: regenerateSecret},
		"Grant":                          grantHooks(),
		"DynamicResourceGroup":           {AfterDelete: dropGrants},
		"BypassCode":                     bypassHooks(),
		"MyBypassCode":                   ownRecords("MyBypassCode", "BypassCode", showBypassCode),
		"BypassCodeNotification":         {Post: notifyBypassCode},
		"Device":                         deviceHooks(),
		"MyDevice":                       ownRecords("MyDevice", "Device", hideSeed),
		"TrustedUserAgent":               agentHooks(),
		"MyTrustedUserAgent":             ownRecords("MyTrustedUserAgent", "TrustedUserAgent", unseal("TrustedUserAgent", "trustToken")),
		"AuthenticationFactorsRemover":   {Post: removeFactors(false)},
		"MyAuthenticationFactorsRemover": {Post: removeFactors(true)},
		"AuthenticationFactorSetting":    {Initial: initialFactorSettings, BeforeWrite: changedFactorSettings},
		"AccountRecoverySetting":         {Initial: initialRecoverySettings, BeforeWrite: keepSettings},
		"KmsiSetting":                    {Initial: initialKmsiSettings, BeforeWrite: noteKmsiEnabled},
		"SecurityQuestion":               {Seed: seedQuestions},
		"SecurityQuestionSetting":        {Initial: initialQuestionSettings, BeforeWrite: changedQuestionSettings},
		"MyGroup":                        {Virtual: myGroups, Own: true},
		"MyRequestableGroup":             {Virtual: requestableGroups, Own: true},
		"UserStatusChanger":              {Action: changeStatus},
		"UserCapabilitiesChanger":        {Action: changeCapabilities},
		"UserPasswordChanger":            {Action: changePassword},
		"UserPasswordResetter":           {Action: resetPassword},
		"UserActivationInitiator":        {Action: inviteUser},
		"UserLockedStateChanger":         {Post: changeLock},
		"BulkUserPasswordResetter":       {Post: resetPasswords},
		"BulkUserPasswordChanger":        {Post: changePasswords},
		"PasswordAuthenticator":          {Outside: authenticate},
		"Asserter":                       {Post: assert},
		"UserNameGenerator":              {Post: generateUserName},
		meType:                           {Outside: replaceMe},
		"MePasswordChanger":              {Outside: changeMyPassword},
		tokenType:                        {Derive: deriveToken},
		policyType:                       policyHooks(),
		"UserPasswordGenerator":          {Action: suggestPassword},
		"UserPasswordValidator":          {Action: validatePassword, Post: validateNewPassword},
		"IdentitySetting":                {Initial: initialIdentitySettings, BeforeWrite: checkIdentitySettings},
		"NotificationSetting":            {Initial: initialNotificationSettings, BeforeWrite: checkNotificationSettings},
		"ResourceType":                   {Virtual: virtualResourceTypes},
		"Schema":                         {Virtual: virtualSchemas, ChangeVirtual: changeSchema},
		"ResourceTypeSchemaAttribute":    {Virtual: virtualAttributes},
		"ServiceProviderConfig":          {Virtual: virtualProviderConfig},
		"AllowedValue":                   {Virtual: virtualAllowedValues},
	}
	addCredentials(table)
	addAdminRoles(table)
	return table
}
