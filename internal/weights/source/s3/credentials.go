package s3

import (
	"cmp"
	"fmt"
	"os"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"gopkg.in/ini.v1"
)

// credentialsOf are those of a shared credentials file of the AWS tools, or of the
// environment when path is empty, or none. A file is read again when it is needed, so
// that its keys may be replaced.
func credentialsOf(path string) (*credentials.Credentials, error) {
	if path == "" {
		return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}}), nil
	}
	f := &file{path}
	_, err := f.Retrieve()
	return credentials.New(f), err
}

// file is a credentials.Provider.
type file struct{ path string }

// Retrieve implements credentials.Provider. An error does not repeat what the file says.
func (f *file) Retrieve() (credentials.Value, error) {
	raw, err := os.ReadFile(f.path)
	if err != nil {
		return credentials.Value{}, err
	}
	all, err := ini.Load(raw)
	if err != nil {
		return credentials.Value{}, fmt.Errorf("%s: not a shared credentials file of the AWS tools", f.path)
	}
	name := cmp.Or(os.Getenv("AWS_PROFILE"), "default")
	profile, err := all.GetSection(name)
	if err != nil {
		return credentials.Value{}, fmt.Errorf("%s: there is no profile [%s]; AWS_PROFILE names another", f.path, name)
	}
	v := credentials.Value{
		AccessKeyID: profile.Key("aws_access_key_id").String(), SecretAccessKey: profile.Key("aws_secret_access_key").String(),
		SessionToken: profile.Key("aws_session_token").String(), SignerType: credentials.SignatureV4,
	}
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return credentials.Value{}, fmt.Errorf("%s: [%s] needs aws_access_key_id and aws_secret_access_key", f.path, name)
	}
	return v, nil
}

// RetrieveWithCredContext implements credentials.Provider.
func (f *file) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	return f.Retrieve()
}

// IsExpired implements credentials.Provider.
func (f *file) IsExpired() bool { return true }
