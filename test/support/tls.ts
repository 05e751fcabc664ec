import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A key and a certificate for 127.0.0.1, for these tests only: the key is public, so it protects nothing. */
export const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUW1s2RvDOtzy3NZw
jz1fvlo0Kub/XNXiKLv8UCvd8QahRANCAATDM9OQ02kR4uu/5Xt9TYxMbemM3Ub6
/uzY9iRjueeR2F4cY43TlJcmzOYq6yq6DW6isrY7YOeI8KJG18cgqij2
-----END PRIVATE KEY-----
`;
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnjCCAUWgAwIBAgIUWaH3z4EXRC1qcnX9rkpTOUhan6AwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLd2Vic3ViIHRlc3QwIBcNMjYxMTIxMTE1NDI0WhgPMjEyNjEw
MjgxMTU0MjRaMBYxFDASBgNVBAMMC3dlYnN1YiB0ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEwzPTkNNpEeLrv+V7fU2MTG3pjN1G+v7s2PYkY7nnkdheHGON
05SXJszmKusqug1uorK2O2DniPCiRtfHIKoo9qNvMG0wHQYDVR0OBBYEFC2fOTHx
QkMlSvVfPgHJuez5qyUwMB8GA1UdIwQYMBaAFC2fOTHxQkMlSvVfPgHJuez5qyUw
MA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxob3N0MAoG
CCqGSM49BAMCA0cAMEQCIBdFYR9pDcxhlrUMsNvg/XN646lZtwXcbURz+oegs4Q8
AiAgaRfAA2vwXmLW9RQC/ORM/pxVGjAcRl365wfBaeZ5dw==
-----END CERTIFICATE-----
`;

/** The certificate in a file of the folder, for `NODE_EXTRA_CA_CERTS`. */
export async function writeCertificate(folder: string): Promise<string> {
  const file = join(folder, 'certificate.pem');
  await writeFile(file, CERTIFICATE);
  return file;
}
