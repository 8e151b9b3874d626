package engine

// behaviours is the table of hooks by resource type. A new behaviour is a file
// of its own and a line here.
func behaviours() map[string]Hooks {
	return map[string]Hooks{
		"User":                        userHooks(),
		"Group":                       groupHooks(),
		"App":                         {AfterDelete: dropGrants},
		"BypassCode":                  {BeforeCreate: newBypassCode},
		"MyGroup":                     {Virtual: myGroups, Own: true},
		"MyRequestableGroup":          {Virtual: requestableGroups, Own: true},
		"UserStatusChanger":           {Action: changeStatus},
		"UserCapabilitiesChanger":     {Action: changeCapabilities},
		"UserPasswordChanger":         {Action: changePassword},
		"IdentitySetting":             {Initial: initialIdentitySettings},
		"ResourceType":                {Virtual: virtualResourceTypes},
		"Schema":                      {Virtual: virtualSchemas, ChangeVirtual: changeSchema},
		"ResourceTypeSchemaAttribute": {Virtual: virtualAttributes},
		"ServiceProviderConfig":       {Virtual: virtualProviderConfig},
		"AllowedValue":                {Virtual: virtualAllowedValues},
	}
}
