package engine

// The two types that say something about passwords and change nothing: a
// suggestion for a user, and whether a password would do.

// suggestPassword answers a random password that meets the policy of a user.
// The password is not set.
func suggestPassword(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	key, user, err := tx.passwordUser(id)
	if err != nil {
		return nil, err
	}
	password, err := tx.makePassword(user, key)
	if err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	in["password"] = password
	return tx.answerAction(ti, key, in, p)
}

// validatePassword checks a password for a user that exists. A password that
// does not do is answered as an attempt to set it would be, with every broken
// rule; no source shows the answer.
func validatePassword(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	key, user, err := tx.passwordUser(id)
	if err != nil {
		return nil, err
	}
	password, _ := in["password"].(string)
	if err := tx.checkPassword(user, key, password); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	return tx.answerAction(ti, key, in, p)
}

// validateNewPassword checks a password for somebody who is to become a user.
func validateNewPassword(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	name := map[string]any{}
	for _, part := range []string{"givenName", "familyName"} {
		if v := in[part]; v != nil {
			name[part] = v
		}
	}
	user := Document{"name": name, "userName": in["userName"]}
	password, _ := in["password"].(string)
	if err := tx.checkPassword(user, "", password); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	res, err := tx.answerAction(ti, tx.e.opts.NewID(), in, p)
	if err != nil {
		return nil, err
	}
	res.Created = true
	return res, nil
}

func (tx *Tx) passwordUser(id string) (string, Document, error) {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return "", nil, err
	}
	rec, user, err := tx.load(ti, id)
	return rec.ID, user, err
}

// answerAction answers an action that stored nothing as the resource it is.
func (tx *Tx) answerAction(ti *typeInfo, id string, doc Document, p Params) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	doc["id"] = id
	ti.completeSchemas(doc)
	doc["meta"] = map[string]any{"resourceType": ti.rt.Name}
	return tx.render(ti, id, doc, pr)
}
