package oauth

import "net/http"

// openIDConfiguration follows RFC 8414 section 2 and OpenID Connect Discovery
// section 3. What the service itself answers was not seen: the choice of
// members is a guess, and only endpoints that are served here are named.
type openIDConfiguration struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	Claims                []string `json:"claims_supported"`
}

// idcsConfiguration holds the OpenID document and the endpoints beyond it.
// That it is built this way is a guess.
type idcsConfiguration struct {
	OpenID openIDConfiguration `json:"openid-configuration"`
	OAuth  struct {
		TokenEndpoint string `json:"token_endpoint"`
		Issuer        string `json:"issuer"`
	} `json:"oauth-configuration"`
	SCIM struct {
		BaseURL               string `json:"base_url"`
		BulkEndpoint          string `json:"bulk_endpoint"`
		SchemasEndpoint       string `json:"schemas_endpoint"`
		ResourceTypesEndpoint string `json:"resource_types_endpoint"`
	} `json:"scim-configuration"`
}

func (s *Server) openID(r *http.Request) openIDConfiguration {
	base := s.cfg.BaseURL(r)
	grants := []string{GrantClientCredentials, GrantRefreshToken}
	if s.cfg.Passwords != nil {
		grants = append(grants, GrantPassword)
	}
	if s.cfg.Users != nil {
		grants = append(grants, GrantJWTBearer)
	}
	return openIDConfiguration{
		Issuer:                base,
		TokenEndpoint:         base + TokenPath,
		IntrospectionEndpoint: base + IntrospectPath,
		RevocationEndpoint:    base + RevokePath,
		JWKSURI:               base + JWKPath,
		Scopes:                []string{ScopeOpenID, "profile", "email", "address", "phone", "groups", "approles", ScopeOffline, ScopeMyScopes, ScopeConsumer},
		ResponseTypes:         []string{},
		GrantTypes:            grants,
		SubjectTypes:          []string{"public"},
		IDTokenAlgs:           []string{"RS256"},
		TokenAuthMethods:      []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		TokenAuthAlgs:         []string{"RS256"},
		Claims: []string{
			"iss", "sub", "sub_type", "sub_mappingattr", "aud", "exp", "iat", "jti", "tok_type", "scope", "client_id",
			"client_name", "client_tenantname", "tenant", "user_id", "user_displayname", "user_tenantname", "sid",
		},
	}
}

// OpenIDConfiguration answers /.well-known/openid-configuration.
func (s *Server) OpenIDConfiguration(w http.ResponseWriter, r *http.Request) {
	s.discovery(w, r, func() any { return s.openID(r) })
}

// IDCSConfiguration answers /.well-known/idcs-configuration.
func (s *Server) IDCSConfiguration(w http.ResponseWriter, r *http.Request) {
	s.discovery(w, r, func() any {
		var out idcsConfiguration
		base := s.cfg.BaseURL(r)
		out.OpenID = s.openID(r)
		out.OAuth.Issuer, out.OAuth.TokenEndpoint = base, base+TokenPath
		out.SCIM.BaseURL = base + "/admin/v1"
		out.SCIM.BulkEndpoint = base + "/admin/v1/Bulk"
		out.SCIM.SchemasEndpoint = base + "/admin/v1/Schemas"
		out.SCIM.ResourceTypesEndpoint = base + "/admin/v1/ResourceTypes"
		return out
	})
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request, doc func() any) {
	const methods = "GET,HEAD,OPTIONS"
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		writeJSON(w, http.StatusOK, doc())
	case http.MethodOptions:
		allowOptions(w, methods)
	default:
		w.Header().Set("Allow", methods)
		writeJSON(w, http.StatusMethodNotAllowed, errorBody{Code: codeInvalidRequest, Description: "this document is only read"})
	}
}
