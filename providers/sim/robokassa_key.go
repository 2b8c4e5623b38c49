package sim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// robokassaKeyPEM signs the simulated bank's messages and nothing else. It is public on purpose, so that a test and a demonstration
// can name its certificate beforehand; whoever trusts it elsewhere trusts everybody.
const robokassaKeyPEM = `-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDBssj5VTJFtSAA
NTBHyuagt0splwI9m271j/xo3WW2pIzTipjELUljyWpnl012DFUg4V46/cp710SW
R4RQ/BedLPw0W4bzd6w04mKq3AfvndNumn3Ao0iDuczhRQtg7Yk4oaRrwxHPVtb7
PdriD2Ui7051wiGip4Q1FmOpOLXSOsa056OIREDtu/+T82HhfgIoSE1J2y47FCUE
fY29nSAt6mY/X45LJvMxzdLGAW9Ls9H51cRy8oN70b+hsPjLWgziU8nlcm991p8C
cpyOcyz7LEOrv1xaM1slESCKdvrsMiyiobxOTmB60W160Jzk+xHEpYBRBSiOpCkk
6ihXm+drAgMBAAECggEAAnhvMvRNWvMqXBqklsEQaaI7ileiCk36XOHa1y3S1wKr
LjlcR95rBgtpWpPamiwbVn6WU8KOPlSKnxrCBs7v3Wh9xSSkS+fImCLjkxuKnL+t
g51EAPM4govbmKK99pl2KvwCajgkIlx/QpK+cYZr7jRFJ5ywYYMbVlHj8g2URgfT
skywWDsKibnryAfgPBJFW8dkruqH+y4iQ244KhdYaDllz6YTj9b2yZLZwil2yLMA
rqRrclIQowpuspmlG2B0ywSSeFgA+jdpKN5ScMEadbNWs1qnzBhBM9kgMbfAjeOa
vPa4ROwNlq5tekSXh9woP2ua2QaDYuMOTi7E4j63wQKBgQDwInr8fuGr27PfhbwW
r/leKgjmr6AfaI1QTNq1kSLPhvSOutsDAycVRHqLbQtOXD9t0iXlSeXU4F1zCM7g
C1uIMEOen9IgHSjkJmrnl2abt+CAI7VsZ7mlAPU2stNXzOhNCT29jeugDDUymeoI
4b1Dz+hJrhWIzrBvRzJixWagCwKBgQDOfudgfKO2+vZa6Dxk6VC/1xRsQrZu59S8
Yd19pXSXdTKOIZPTftnfCYFfwRD9RF1tqKc6QolnnqDST6eBvGDWOZqaOatDIkeH
EoXR+JZ0pCWr+fx5F3wrgHoh1piaSLgDTNLcDdbnOj/vq7qtgGcReRWeT2mbwvqJ
meCEtDGSIQKBgFgqcLlP5I9yxOHmeh5iUc5O5KG+Da46dtfqv8o2FW/YfuYAmPTM
LYdTcyLJ0ILev7MUmzFKJoY4MldP/pSn1t1zyv/scfu0eRT7Pfj1z4iQxG6Hrc61
bqW0alPA6HOuGgRexjpYZxCGKun/NLw6FYFWTlTvA50NNh5FJ6y4CWvtAoGAZ9Xi
jV8/h9ScqsvbCrdUFpOVvnaxfAVxsSTZFsRrY3nYaSYzSoegEQqblsXjwCdvf6Pu
K1qn84YNwpOxXIiYfUDMID9dgk2rgB1tU09YgODF3LvBHDcWBl39jCR36iUk+uvX
oDYJWY6t9dv57CMEMQIdP9UY+u1JxIWvI6vkvWECgYBZ+scuv2CuCTXXj57SYX++
qlYxB1F1KVVutr0Ldj+IjHOq2oZxFcDFS5whkNWvros9frEXv7Q5z0sF5sLuRZKW
5aEAHSIT0mzSDWouEp6hiWoKugf5l8kKf6B5n4C6HZnFuEC4JThxJv5hZOWQRDQW
HSCS3CLR1o/UnbDYyvKewA==
-----END PRIVATE KEY-----
`

var robokassaKey = sync.OnceValue(func() *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(robokassaKeyPEM))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic("sim: the key of Robokassa: " + err.Error())
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		panic("sim: the key of Robokassa is not an RSA key")
	}
	return rsaKey
})

// RobokassaKey is the key with which the face signs messages to ResultUrl2 unless its options name another.
func RobokassaKey() *rsa.PrivateKey { return robokassaKey() }

// RobokassaPublicKeyPEM is the public half of a key, as PEM of type PUBLIC KEY.
func RobokassaPublicKeyPEM(key *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic("sim: a key for Robokassa: " + err.Error())
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// RobokassaCertificatePEM is a certificate of a key, signed by itself, in the manner of the published jwtsign.cer. It is the same
// at every call, and valid from 2020 until 2050.
func RobokassaCertificatePEM(key *rsa.PrivateKey) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "simulated robokassa"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key) // RSA of PKCS #1 v1.5 uses no chance
	if err != nil {
		panic("sim: a key for Robokassa: " + err.Error())
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// serveCertificate shows what the merchant checks ResultUrl2 with.
func (r *robokassa) serveCertificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(RobokassaCertificatePEM(r.opt.Key))
}
