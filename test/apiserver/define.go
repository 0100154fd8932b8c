package main

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
)

// kind is what the server keeps of a definition that it serves.
type kind struct {
	gvk        schema.GroupVersionKind
	structural *structuralschema.Structural
	strategy   strategy
	status     rest.RESTUpdateStrategy
}

// strategy is how the server creates and updates objects of a kind.
type strategy interface {
	rest.RESTCreateStrategy
	ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList
	PrepareForUpdate(ctx context.Context, obj, old runtime.Object)
}

var (
	scheme = runtime.NewScheme()
	strict = serializer.NewCodecFactory(scheme, serializer.EnableStrict)
)

func init() { install.Install(scheme) }

// define creates a definition as the server does; the kind is nil where it is refused.
func define(ctx context.Context, raw json.RawMessage) (definitionVerdict, *kind, error) {
	judged := definitionVerdict{Errors: []string{}, Warnings: []string{}}
	decoded, _, err := strict.UniversalDecoder(apiextensions.SchemeGroupVersion).Decode(raw, nil, nil)
	if err != nil {
		judged.Errors = append(judged.Errors, err.Error())
		return judged, nil, nil
	}
	crd, ok := decoded.(*apiextensions.CustomResourceDefinition)
	if !ok {
		return judged, nil, fmt.Errorf("%T is no CustomResourceDefinition", decoded)
	}
	judged.Name = crd.Name
	definitions := customresourcedefinition.NewStrategy(scheme)
	definitions.PrepareForCreate(ctx, crd)
	for _, fault := range definitions.Validate(ctx, crd) {
		judged.Errors = append(judged.Errors, fault.Error())
	}
	judged.Warnings = append(judged.Warnings, definitions.WarningsOnCreate(ctx, crd)...)
	if len(judged.Errors) > 0 {
		return judged, nil, nil
	}
	served, err := serve(crd)
	return judged, served, err
}

func serve(crd *apiextensions.CustomResourceDefinition) (*kind, error) {
	external := &v1.CustomResourceDefinition{}
	if err := v1.Convert_apiextensions_CustomResourceDefinition_To_v1_CustomResourceDefinition(crd, external, nil); err != nil {
		return nil, err
	}
	version := external.Spec.Versions[0]
	properties := &apiextensions.JSONSchemaProps{}
	if err := v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, properties, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(properties)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(properties)
	if err != nil {
		return nil, err
	}
	statusProperties := properties.Properties["status"]
	statusValidator, _, err := validation.NewSchemaValidator(&statusProperties)
	if err != nil {
		return nil, err
	}
	gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
	main := customresource.NewStrategy(
		scheme, true, gvk, validator, statusValidator, structural,
		&apiextensions.CustomResourceSubresourceStatus{}, nil, version.SelectableFields,
	)
	return &kind{gvk: gvk, structural: structural, strategy: main, status: customresource.NewStatusStrategy(main)}, nil
}
