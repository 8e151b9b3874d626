package mapping

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Suggestion is a column that an unknown header may stand for.
type Suggestion struct {
	Column string `json:"column"`
	// Reason is "alias" for a name that other systems use, "similar" for one
	// that differs by a few letters.
	Reason string `json:"reason"`
	// Distance counts the letters that differ; 0 for an alias.
	Distance int `json:"distance"`
}

// aliases are the names that directories, other identity services and
// spreadsheets use for our columns, without blanks and case.
func aliases(typ string) map[string]string {
	if typ == Group {
		return map[string]string{
			"cn": "Name", "group": "Name", "groupname": "Name", "title": "Name", "samaccountname": "Name",
			"notes": "Description", "members": "User Members", "member": "User Members", "uniquemember": "User Members",
			"memberuid": "User Members", "users": "User Members", "objectguid": "External Id", "objectid": "External Id",
		}
	}
	return map[string]string{
		"userlogin": "User Name", "login": "User Name", "username": "User Name", "uid": "User Name", "samaccountname": "User Name",
		"userprincipalname": "User Name", "upn": "User Name", "userid": "User Name", "account": "User Name",
		"givenname": "First Name", "firstname": "First Name", "vorname": "First Name", "forename": "First Name",
		"sn": "Last Name", "surname": "Last Name", "familyname": "Last Name", "lastname": "Last Name", "nachname": "Last Name",
		"middlename": "Middle Name", "initials": "Middle Name",
		"email": "Work Email", "mail": "Work Email", "emailaddress": "Work Email", "primaryemail": "Work Email", "workemail": "Work Email",
		"secondemail": "Other Email", "personalemail": "Home Email", "homeemail": "Home Email", "recoveryemail": "Recovery Email",
		"phone": "Work Phone", "telephonenumber": "Work Phone", "telephone": "Work Phone", "primaryphone": "Work Phone", "businessphone": "Work Phone",
		"mobile": "Mobile No", "mobilephone": "Mobile No", "cell": "Mobile No", "cellphone": "Mobile No",
		"homephone": "Home Phone", "facsimiletelephonenumber": "Fax", "faxnumber": "Fax",
		"displayname": "Display Name", "cn": "Display Name", "name": "Display Name", "fullname": "Display Name", "nickname": "Nick Name",
		"jobtitle": "Title", "position": "Title", "usertype": "User Type", "employeetype": "User Type",
		"employeeid": "Employee Number", "employeenumber": "Employee Number", "personnelnumber": "Employee Number",
		"departmentnumber": "Cost Center", "costcentre": "Cost Center", "ou": "Department", "dept": "Department", "orgunitpath": "Department",
		"company": "Organization Name", "o": "Organization Name", "organisation": "Organization Name", "managerid": "Manager", "manageremail": "Manager",
		"street": "Work Address Street", "streetaddress": "Work Address Street", "l": "Work Address Locality", "city": "Work Address Locality",
		"st": "Work Address Region", "state": "Work Address Region", "postalcode": "Work Address Postal Code", "zip": "Work Address Postal Code",
		"zipcode": "Work Address Postal Code", "c": "Work Address Country", "country": "Work Address Country", "countrycode": "Work Address Country",
		"language": "Preferred Language", "preferredlanguage": "Preferred Language", "timezone": "Time Zone",
		"enabled": "Active", "accountenabled": "Active", "status": "Active", "externalid": "External Id", "objectguid": "External Id",
		"objectid": "External Id", "immutableid": "External Id", "userpassword": "Password", "prefix": "Honorific Prefix", "suffix": "Honorific Suffix",
	}
}

// squeeze leaves letters and digits, in lower case.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Suggest names at most three columns of a type that an unknown header may
// stand for, the likeliest first.
func Suggest(typ, header string) []Suggestion {
	key := squeeze(header)
	if key == "" {
		return nil
	}
	var out []Suggestion
	if c, ok := aliases(typ)[key]; ok {
		out = append(out, Suggestion{Column: c, Reason: "alias"})
	}
	// A header may also be the attribute's own name: givenName, costCenter.
	for _, c := range Columns(typ) {
		if t, err := parseTarget(typ, c.Path); err == nil && !c.ExportOnly && t.typ == "" && !t.selector {
			last := t.sub
			if last == "" || last == "value" {
				last = t.name
			}
			if squeeze(last) == key {
				out = append(out, Suggestion{Column: c.Name, Reason: "alias"})
			}
		}
	}
	for _, c := range Columns(typ) {
		if c.ExportOnly {
			continue
		}
		best := distance(key, squeeze(c.Name))
		if c.OldName != "" {
			best = min(best, distance(key, squeeze(c.OldName)))
		}
		if best <= len([]rune(key))/3 {
			out = append(out, Suggestion{Column: c.Name, Reason: "similar", Distance: best})
		}
	}
	slices.SortStableFunc(out, func(a, b Suggestion) int { return cmp.Compare(a.Distance, b.Distance) })
	seen := map[string]bool{}
	out = slices.DeleteFunc(out, func(s Suggestion) bool {
		again := seen[s.Column]
		seen[s.Column] = true
		return again
	})
	return out[:min(len(out), 3)]
}

// distance counts the letters to add, drop, change or swap with their
// neighbour. Headers are short, but not for sure.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	x, y = x[:min(len(x), 64)], y[:min(len(y), 64)]
	var before, last, row []int
	for i := range len(x) + 1 {
		before, last, row = last, row, make([]int, len(y)+1)
		for j := range row {
			switch {
			case i == 0:
				row[j] = j
			case j == 0:
				row[j] = i
			case x[i-1] == y[j-1]:
				row[j] = last[j-1]
			default:
				row[j] = 1 + min(last[j-1], last[j], row[j-1])
			}
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
