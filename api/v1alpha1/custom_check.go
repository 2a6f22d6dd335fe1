// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// CustomCheck is a check in CEL. Language, libraries, variables and cost limits
// are those of a ValidatingAdmissionPolicy of Kubernetes 1.37, without params and
// authorizer: an expression reads nothing but what it is given.
//
// It judges objects when they are created and updated, and manifests. What is
// stored is not kept whole, so scans leave custom checks out.
type CustomCheck struct {
	// ID is how findings, Exemptions and checks name it: CUSTOM- and three digits.
	// +required
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^CUSTOM-[0-9]{3}$`
	ID string `json:"id"`

	// Name says what it is about, such as known-registry: lower-case words joined by
	// hyphens. No other check has it. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	Name string `json:"name"`

	// Title says in one sentence what holds where the check finds nothing: "Images
	// come from the registry of the company". 1 to 200 bytes in one line.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^\S(.*\S)?$`
	Title string `json:"title"`

	// Severity is that of the findings. Without checks and severities, critical and
	// high findings are denied, medium ones warn in the baseline profile and are
	// denied in the strict one, low ones warn, info ones are recorded.
	// +required
	Severity Severity `json:"severity"`

	// Kinds are those that it judges: of the kinds that the webhook sees, all but
	// ConfigMap and Secret, of which it sees few. 1 to 32.
	// +required
	// +listType=map
	// +listMapKey=group
	// +listMapKey=kind
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Kinds []CustomKind `json:"kinds"`

	// MatchConditions must all be true for an object to be judged. One that is false
	// decides, even if another one fails; one that fails is a finding. Default: none.
	// At most 16.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	MatchConditions []CustomCondition `json:"matchConditions,omitempty"`

	// Variables are values with a name, which the other expressions use as
	// variables.NAME. Each may use those before it. Default: none. At most 32.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Variables []CustomVariable `json:"variables,omitempty"`

	// Validations must be true; each that is not is a finding. 1 to 16.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Validations []CustomValidation `json:"validations"`

	// Fix says what to change, as one clause in the imperative: "name an image of
	// registry.example.com". 1 to 512 bytes in one line.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^\S(.*\S)?$`
	Fix string `json:"fix"`
}

// CustomKind is a kind of objects, in every version.
type CustomKind struct {
	// Group is the API group. Default: empty, the core group. At most 253 bytes.
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=253
	Group string `json:"group,omitempty"`

	// Kind is the kind, such as Service. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`
}

// CustomExpression is CEL. 1 to 8192 bytes.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=8192
type CustomExpression string

// CustomCondition is a condition with a name.
type CustomCondition struct {
	// Name tells conditions apart: lower-case words joined by hyphens. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	Name string `json:"name"`

	// Expression has the type bool.
	// +required
	Expression CustomExpression `json:"expression"`
}

// CustomVariable is a value with a name.
type CustomVariable struct {
	// Name is a CEL identifier without two underscores in a row. 1 to 63 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$`
	Name string `json:"name"`

	// Expression has any type. It is evaluated when it is first used, once for each
	// object.
	// +required
	Expression CustomExpression `json:"expression"`
}

// CustomValidation is one thing that must be true.
//
// +kubebuilder:validation:XValidation:rule="has(self.message) || !self.expression.trim().contains('\\n')",message="an expression of several lines needs a message"
type CustomValidation struct {
	// Name becomes the subject of the finding, by which Exemptions and updates that
	// keep a fault know it again: lower-case words joined by hyphens. Default:
	// object. 1 to 63 bytes.
	// +optional
	// +kubebuilder:default=object
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	Name string `json:"name,omitempty"`

	// Expression has the type bool. False, and failing, is a finding.
	// +required
	Expression CustomExpression `json:"expression"`

	// Message says what is wrong, as one clause: "has an image from elsewhere".
	// Needed where the expression has several lines. Default: the expression. At
	// most 1024 bytes in one line.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^\S(.*\S)?$`
	Message string `json:"message,omitempty"`

	// MessageExpression has the type string and says what is wrong in place of
	// message. When it fails, or its value is empty, has several lines or more than
	// 5 KiB, message does. Of a finding 1 KiB is told. Default: none.
	// +optional
	MessageExpression CustomExpression `json:"messageExpression,omitempty"`

	// FieldPath is where the fault is, such as spec.externalName, for the finding.
	// Default: none; the whole object. At most 512 bytes.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_][A-Za-z0-9_./\[\]'"-]*$`
	FieldPath string `json:"fieldPath,omitempty"`
}
