package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Kind says what a cell holds.
type Kind string

// The kinds of cells.
const (
	Text     Kind = "text"
	Bool     Kind = "boolean"
	Email    Kind = "e-mail"
	Phone    Kind = "phone"
	Category Kind = "user type"
	Language Kind = "language"
	Zone     Kind = "time zone"
	URL      Kind = "url"
	Selector Kind = "primary type" // names the element that is primary
	UserRef  Kind = "user"         // another user, by user name
	Members  Kind = "users"        // user names, separated by semicolons
	DateTime Kind = "date"
)

// Column is one column of a file.
type Column struct {
	// Name is the current name. OldName is that of the first generation,
	// still read; empty where it is the same.
	Name    string
	OldName string
	// Path is the attribute that the column sets.
	Path string
	Kind Kind
	// CreateOnly columns count when a resource is made: the service takes
	// them once. WriteOnly ones are never given back. ExportOnly ones are the
	// service's own and are ignored by an import.
	CreateOnly bool
	WriteOnly  bool
	ExportOnly bool
	// ServiceDefault columns are filled in by the service where nothing is
	// set, so that an empty cell never clears them: the value would come back,
	// and each import would remove it again.
	ServiceDefault bool
}

// Header is the column's name in a generation of names.
func (c Column) Header(old bool) string {
	if old && c.OldName != "" {
		return c.OldName
	}
	return c.Name
}

// Columns lists the columns of a type in the order in which files are written:
// that of the first generation, then the rest. It is nil for other types.
func Columns(typ string) []Column {
	switch typ {
	case User:
		return userColumns()
	case Group:
		return groupColumns()
	}
	return nil
}

func userColumns() []Column {
	const ent, ext, state = EnterpriseURN + ":", UserExtURN + ":", UserStateURN + ":"
	c := []Column{
		{Name: "User Name", OldName: "User ID", Path: "userName"},
		{Name: "Password", Path: "password", CreateOnly: true, WriteOnly: true},
		{Name: "First Name", Path: "name.givenName"},
		{Name: "Middle Name", Path: "name.middleName"},
		{Name: "Last Name", Path: "name.familyName"},
		{Name: "Honorific Prefix", Path: "name.honorificPrefix"},
		{Name: "Honorific Suffix", Path: "name.honorificSuffix"},
		{Name: "Display Name", Path: "displayName", ServiceDefault: true},
		{Name: "Title", Path: "title"},
		{Name: "Profile Url", OldName: "Profile URL", Path: "profileUrl", Kind: URL},
		{Name: "User Type", Path: "userType", Kind: Category},
		{Name: "Nick Name", Path: "nickName"},
		{Name: "Preferred Language", Path: "preferredLanguage", Kind: Language},
		{Name: "Locale", Path: "locale", Kind: Language},
		{Name: "Time Zone", OldName: "TimeZone", Path: "timezone", Kind: Zone},
		{Name: "Active", Path: "active", Kind: Bool, ServiceDefault: true},
		{Name: "Work Phone", Path: slot("phoneNumbers", "work", "value"), Kind: Phone},
		{Name: "Mobile No", Path: slot("phoneNumbers", "mobile", "value"), Kind: Phone},
		{Name: "Work Email", Path: slot("emails", "work", "value"), Kind: Email},
		{Name: "Home Email", Path: slot("emails", "home", "value"), Kind: Email},
		{Name: "Work Address Street", OldName: "Work Street Address", Path: slot("addresses", "work", "streetAddress")},
		{Name: "Work Address Locality", OldName: "Work City", Path: slot("addresses", "work", "locality")},
		{Name: "Work Address Region", OldName: "Work State", Path: slot("addresses", "work", "region")},
		{Name: "Work Address Postal Code", OldName: "Work Postal Code", Path: slot("addresses", "work", "postalCode")},
		{Name: "Work Address Country", OldName: "Work Country", Path: slot("addresses", "work", "country")},
		{Name: "Employee Number", Path: ent + "employeeNumber"},
		{Name: "Organization Name", OldName: "Organization", Path: ent + "organization"},
		{Name: "Division", Path: ent + "division"},
		{Name: "Department", Path: ent + "department"},
		{Name: "Cost Center", Path: ent + "costCenter"},
		{Name: "Manager", OldName: "Manager Name", Path: ent + "manager.value", Kind: UserRef},
		{Name: "Federated", Path: ext + "isFederatedUser", Kind: Bool, ServiceDefault: true},
		{Name: "Primary Email Type", Path: "emails[primary eq true].type", Kind: Selector},
		// The order of the first generation ends here.
		{Name: "External Id", Path: "externalId"},
		{Name: "Formatted Name", Path: "name.formatted", ServiceDefault: true},
		{Name: "Service User", Path: ext + "serviceUser", Kind: Bool, CreateOnly: true},
		{Name: "ByPass Notification", Path: ext + "bypassNotification", Kind: Bool, CreateOnly: true, WriteOnly: true},
		{Name: "Other Email", Path: slot("emails", "other", "value"), Kind: Email},
		{Name: "Recovery Email", Path: slot("emails", "recovery", "value"), Kind: Email, ServiceDefault: true},
	}
	for _, k := range []string{"Work", "Home", "Other", "Recovery"} {
		c = append(c, Column{Name: k + " Email Verified", Path: slot("emails", strings.ToLower(k), "verified"), Kind: Bool})
	}
	for _, p := range [][2]string{{"Home Phone", "home"}, {"Fax", "fax"}, {"Pager", "pager"}, {"Other Phone", "other"}, {"Recovery Phone", "recovery"}} {
		c = append(c, Column{Name: p[0], Path: slot("phoneNumbers", p[1], "value"), Kind: Phone})
	}
	c = append(c,
		Column{Name: "Primary Phone Type", Path: "phoneNumbers[primary eq true].type", Kind: Selector},
		Column{Name: "Work Address Formatted", Path: slot("addresses", "work", "formatted")})
	for _, k := range []string{"Home", "Other"} {
		for _, s := range [][2]string{
			{"Street", "streetAddress"},
			{"Locality", "locality"},
			{"Region", "region"},
			{"Postal Code", "postalCode"},
			{"Country", "country"},
			{"Formatted", "formatted"},
		} {
			c = append(c, Column{Name: k + " Address " + s[0], Path: slot("addresses", strings.ToLower(k), s[1])})
		}
	}
	c = append(c,
		Column{Name: "Primary Address Type", Path: "addresses[primary eq true].type", Kind: Selector},
		Column{Name: "Created Date", Path: "meta.created", Kind: DateTime, ExportOnly: true},
		Column{Name: "Locked", Path: state + "locked.on", Kind: Bool, ExportOnly: true},
		Column{Name: "Locked Reason", Path: state + "locked.reason", ExportOnly: true},
		Column{Name: "Locked Date", Path: state + "locked.lockDate", Kind: DateTime, ExportOnly: true})
	return textByDefault(c)
}

func groupColumns() []Column {
	return textByDefault([]Column{
		{Name: "Name", OldName: "Display Name", Path: "displayName"},
		{Name: "Description", Path: GroupExtURN + ":description"},
		{Name: "User Members", Path: "members.value", Kind: Members},
		{Name: "Requestable", Path: RequestableURN + ":requestable", Kind: Bool},
		// Not a column of the service's own import, but an attribute of groups
		// that synchronisation relies on.
		{Name: "External Id", Path: "externalId"},
	})
}

func textByDefault(cols []Column) []Column {
	for i := range cols {
		if cols[i].Kind == "" {
			cols[i].Kind = Text
		}
	}
	return cols
}

func slot(attr, typ, sub string) string {
	return elementPath(attr, typ, "", sub)
}

// canonical values of User.userType.
func userTypes() []string {
	return []string{"Contractor", "Employee", "External", "Generic", "Intern", "Service", "Temp"}
}

// fold makes names comparable: without regard to case and to how many blanks
// stand between the words.
func fold(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// lookup finds a column by either of its names, or by its path.
func lookup(cols []Column, name string) (Column, bool) {
	f := fold(name)
	for _, c := range cols {
		if f == fold(c.Name) || c.OldName != "" && f == fold(c.OldName) {
			return c, true
		}
	}
	return Column{}, false
}

func keyPath(typ string) string {
	if typ == Group {
		return "displayName"
	}
	return "userName"
}

func coreURN(typ string) string {
	if typ == Group {
		return GroupURN
	}
	return UserURN
}

func checkType(typ string) error {
	if !slices.Contains([]string{User, Group}, typ) {
		return fmt.Errorf("rows can describe %s or %s, not %q", User, Group, typ)
	}
	return nil
}
