// Certificates for tests: made on the spot, good for a day, vouched for by nobody else.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "io/tls_files.h"

namespace feedmill::io {

// `names` as "IP:127.0.0.1,DNS:localhost". With a passphrase the key is written encrypted.
inline TlsPaths WriteCertificate(const std::string& folder, const std::string& stem,
                                 const std::string& names = "IP:127.0.0.1,DNS:localhost",
                                 const std::string& passphrase = "", bool rsa = false) {
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  const Key key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate made(X509_new(), &X509_free);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 24 * 3600);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(stem.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(made.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(made.get(), key.get(), EVP_sha256());
  const TlsPaths paths{folder + "/" + stem + ".pem", folder + "/" + stem + ".key"};
  std::FILE* file = std::fopen(paths.certificate.c_str(), "wb");
  PEM_write_X509(file, made.get());
  std::fclose(file);
  file = std::fopen(paths.key.c_str(), "wb");
  PEM_write_PrivateKey(file, key.get(), passphrase.empty() ? nullptr : EVP_aes_128_cbc(),
                       reinterpret_cast<const unsigned char*>(passphrase.data()), static_cast<int>(passphrase.size()),
                       nullptr, nullptr);
  std::fclose(file);
  return paths;
}

}  // namespace feedmill::io
