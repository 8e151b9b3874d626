package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// Supported is a feature of ServiceProviderConfig.
type Supported struct {
	Supported bool `json:"supported"`
}

// ServiceProviderConfig says what a server can do (RFC 7643 section 5).
type ServiceProviderConfig struct {
	Schemas          []string  `json:"schemas,omitempty"`
	DocumentationURI string    `json:"documentationUri,omitempty"`
	Patch            Supported `json:"patch"`
	Bulk             struct {
		Supported      bool `json:"supported"`
		MaxOperations  Int  `json:"maxOperations"`
		MaxPayloadSize Int  `json:"maxPayloadSize"`
	} `json:"bulk"`
	Filter struct {
		Supported  bool `json:"supported"`
		MaxResults Int  `json:"maxResults"`
	} `json:"filter"`
	ChangePassword        Supported              `json:"changePassword"`
	Sort                  Supported              `json:"sort"`
	ETag                  Supported              `json:"etag"`
	AuthenticationSchemes []AuthenticationScheme `json:"authenticationSchemes,omitempty"`
}

// AuthenticationScheme is one way to sign in to a server.
type AuthenticationScheme struct {
	Type             string `json:"type"`
	Name             string `json:"name"`
	Description      string `json:"description,omitempty"`
	SpecURI          string `json:"specUri,omitempty"`
	DocumentationURI string `json:"documentationUri,omitempty"`
	Primary          bool   `json:"primary,omitempty"`
}

// ResourceType is an entry of /ResourceTypes (RFC 7643 section 6).
type ResourceType struct {
	ID               string            `json:"id,omitempty"`
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	Endpoint         string            `json:"endpoint"`
	Schema           string            `json:"schema"`
	SchemaExtensions []SchemaExtension `json:"schemaExtensions,omitempty"`
}

// SchemaExtension is an extension that a resource type may have.
type SchemaExtension struct {
	Schema   string `json:"schema"`
	Required bool   `json:"required"`
}

// ServiceProviderConfig reads what the server can do. ErrNotFound when it does
// not say.
func (c *Client) ServiceProviderConfig(ctx context.Context) (*ServiceProviderConfig, error) {
	req := &Request{Method: http.MethodGet, Path: c.opts.BasePath + "/ServiceProviderConfig"}
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	var out ServiceProviderConfig
	if err := decode(req, resp, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ResourceTypes reads the resource types of the server.
func (c *Client) ResourceTypes(ctx context.Context) ([]ResourceType, error) {
	return discover[ResourceType](ctx, c, "ResourceType", "/ResourceTypes")
}

// Schemas reads the schemas of the server.
func (c *Client) Schemas(ctx context.Context) ([]*schema.Schema, error) {
	return discover[*schema.Schema](ctx, c, "Schema", "/Schemas")
}

// discover reads a discovery endpoint whole. RFC 7644 section 4 leaves paging
// open: some servers page, some ignore every parameter, and some send a bare
// array in place of a list response.
func discover[T any](ctx context.Context, c *Client, name, path string) ([]T, error) {
	s := NewService(c, Type[T]{Name: name, Path: path, Ops: List})
	var out []T
	for v, err := range s.All(ctx, ListOptions{}) {
		if errors.Is(err, errNotList) && len(out) == 0 {
			return bareArray[T](ctx, c, path)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func bareArray[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	req := &Request{Method: http.MethodGet, Path: c.opts.BasePath + path}
	resp, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	var out []T
	if err := json.Unmarshal(resp.Body, &out); err != nil {
		return nil, badResponse(req, resp, fmt.Errorf("neither a list response nor an array: %w", err))
	}
	return out, nil
}

// Discovery reads a discovery endpoint, "/ResourceTypes" or "/Schemas", whole
// and as documents, so that an entry that is not as the RFC says does not hide
// the others. ErrNotFound when there is none.
func (c *Client) Discovery(ctx context.Context, path string) ([]Document, error) {
	return discover[Document](ctx, c, strings.Trim(path, "/"), path)
}
