/** For the image: whether the process answers on its admin port. Another port is told by COSFTP_ADMIN_PORT. */
const port = process.env.COSFTP_ADMIN_PORT || 9121;
fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(4000) }).then(
  (response) => process.exit(response.ok ? 0 : 1),
  () => process.exit(1),
);
