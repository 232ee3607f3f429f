// Package awskms is a KMS at AWS: every ring key is encrypted under one
// symmetric key that does not leave AWS KMS.
//
// Invariants: the key is named by its ARN, at both calls, so that no alias can be
// pointed elsewhere and no other key's ciphertext is opened; the associated data
// is the encryption context; every call ends within Timeout; a redirect is not
// followed, since the request holds a ring key. What AWS says of an error is
// dropped but for its code: the text may quote a session's token.
//
// Credentials come as AWS's own programs find them: environment, shared files,
// web identity, container, instance role. It knows nothing of rings or tenants.
package awskms

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/outbound"
)

// Timeout bounds one call, its second tries included.
const Timeout = 15 * time.Second

const (
	tries   = 3               // at one call
	tryTime = 4 * time.Second // of one try
	maxBody = 64 << 10        // of an answer
)

// contextName is the one name in the encryption context, as policies and
// CloudTrail see it.
const contextName = "lendkeep"

// Config names the key.
type Config struct {
	Key      string // arn:aws:kms:REGION:ACCOUNT:key/ID
	Endpoint string // https://…; empty: the region's own, or as AWS_ENDPOINT_URL_KMS says
	Log      *slog.Logger

	try, pause time.Duration // of one try, and at most between two; 0: tryTime, a second
}

// KMS wraps with one key at AWS. It is safe for concurrent use.
type KMS struct {
	key         string
	client      *kms.Client
	credentials aws.CredentialsProvider
}

var arnForm = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+$`)

// Open finds credentials' sources and the region; it calls nobody.
func Open(ctx context.Context, c Config) (*KMS, error) {
	arn := arnForm.FindStringSubmatch(c.Key)
	if arn == nil {
		return nil, errors.New("name the AWS KMS key by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID; not by an alias, which can be pointed at another key")
	}
	if c.Endpoint != "" && !strings.HasPrefix(c.Endpoint, "https://") {
		return nil, errors.New("the endpoint of AWS KMS must be https://…: a ring key goes there")
	}
	found, err := config.LoadDefaultConfig(ctx, config.WithRegion(arn[1]))
	if err != nil {
		return nil, errors.New("the AWS configuration cannot be read: check AWS_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and AWS_CA_BUNDLE") // the cause may quote a file
	}
	if c.try == 0 {
		c.try, c.pause = tryTime, time.Second
	}
	way := &way{outbound.New(outbound.Config{Inside: true, Timeout: c.try, MaxBody: maxBody, RootCAs: roots(found), Log: c.Log})}
	k := &KMS{key: c.Key, credentials: found.Credentials}
	k.client = kms.NewFromConfig(found, func(o *kms.Options) {
		o.HTTPClient = way
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = tries, c.pause })
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
	})
	return k, nil
}

// roots are the authorities that AWS_CA_BUNDLE names; nil for the system's.
func roots(c aws.Config) *x509.CertPool {
	if b, ok := c.HTTPClient.(*awshttp.BuildableClient); ok {
		if t := b.GetTransport(); t != nil && t.TLSClientConfig != nil {
			return t.TLSClientConfig.RootCAs
		}
	}
	return nil
}

// Wrap has AWS encrypt a small key.
func (k *KMS) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if err := k.known(ctx); err != nil {
		return nil, err
	}
	out, err := k.client.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.key, Plaintext: plain, EncryptionContext: bound(aad)})
	if err != nil {
		return nil, told(err)
	}
	if aws.ToString(out.KeyId) != k.key || len(out.CiphertextBlob) == 0 {
		return nil, fmt.Errorf("AWS KMS answered for another key: %w", keys.ErrDenied)
	}
	return out.CiphertextBlob, nil
}

// Unwrap has AWS decrypt what Wrap made with the same aad; else keys.ErrRefused.
func (k *KMS) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) == 0 || len(wrapped) > 6144 { // AWS takes no more, and would call it a mistake of ours
		return nil, keys.ErrRefused
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if err := k.known(ctx); err != nil {
		return nil, err
	}
	out, err := k.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &k.key, CiphertextBlob: wrapped, EncryptionContext: bound(aad)})
	if err != nil {
		return nil, told(err)
	}
	if aws.ToString(out.KeyId) != k.key {
		return nil, fmt.Errorf("AWS KMS answered for another key: %w", keys.ErrDenied)
	}
	return out.Plaintext, nil
}

// Name is "aws-kms/" and the key's ARN.
func (k *KMS) Name() string { return "aws-kms/" + k.key }

// String is Name.
func (k *KMS) String() string { return k.Name() }

func bound(aad []byte) map[string]string {
	return map[string]string{contextName: base64.StdEncoding.EncodeToString(aad)}
}

// known makes sure that there are credentials, so that a machine without them is
// told apart from a KMS that is away.
func (k *KMS) known(ctx context.Context) error {
	if _, err := k.credentials.Retrieve(ctx); err != nil {
		return errors.New("no AWS credentials can be had now: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role") // the cause may quote an answer with credentials
	}
	return nil
}

// way is outbound's client as the SDK wants one.
type way struct{ out *outbound.Client }

// Do makes one try.
func (w *way) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody)); err != nil {
			return nil, err
		}
	}
	a, err := w.out.Do(r.Context(), outbound.Request{Method: r.Method, URL: r.URL.String(), Header: r.Header, Body: body})
	clear(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.Header,
		Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)), Request: r}, nil
}

// told words an error by its code alone.
func told(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if kind := outbound.KindOf(err); kind != outbound.Other {
			return fmt.Errorf("AWS KMS cannot be reached now (%s)", kind)
		}
		return errors.New("AWS KMS cannot be reached now, or gave no answer that can be read")
	}
	code := api.ErrorCode()
	if mend, ok := denials[code]; ok {
		return fmt.Errorf("AWS KMS answers %s: %s: %w", code, mend, keys.ErrDenied)
	}
	switch code {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return keys.ErrRefused
	}
	if !codeForm.MatchString(code) {
		code = "an unknown error"
	}
	return fmt.Errorf("AWS KMS answers %s: try again", code)
}

var codeForm = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

// denials are the answers after which somebody must mend something. All others
// (throttling, KMSInternalException, DependencyTimeoutException,
// KeyUnavailableException, whatever a broken server says) may pass by themselves.
var denials = map[string]string{
	"AccessDeniedException":               "allow kms:Encrypt and kms:Decrypt on the key, in its policy and in the role's",
	"NotFoundException":                   "there is no such key in this account and region",
	"InvalidArnException":                 "the key's ARN is not right",
	"DisabledException":                   "the key is disabled: enable it",
	"KMSInvalidStateException":            "the key's state does not allow it: cancel its deletion, or import its material again",
	"InvalidKeyUsageException":            "the key must be symmetric and for ENCRYPT_DECRYPT",
	"InvalidGrantTokenException":          "the grant is not valid",
	"UnrecognizedClientException":         "the access key is not known",
	"InvalidClientTokenId":                "the access key is not known",
	"InvalidSignatureException":           "the secret of the access key is wrong, or this machine's clock is",
	"SignatureDoesNotMatch":               "the secret of the access key is wrong, or this machine's clock is",
	"IncompleteSignature":                 "the request's signature was cut; is something between here and AWS changing headers?",
	"MissingAuthenticationToken":          "the request's signature is missing; is something between here and AWS changing headers?",
	"MissingAuthenticationTokenException": "the request's signature is missing; is something between here and AWS changing headers?",
	"ExpiredTokenException":               "the session of the credentials is over: renew them",
	"OptInRequired":                       "the account does not use this service or region",
	"ValidationException":                 "the request is not one for this key",
	"UnsupportedOperationException":       "the key cannot encrypt and decrypt",
	"XksKeyInvalidConfigurationException": "the key in the external key store is not set up",
}
