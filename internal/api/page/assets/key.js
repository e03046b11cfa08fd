// The API key of the server stays in this tab until the tab is closed, and goes to
// the server that the page came from only.
const name = "hachi.key";

export const readKey = () => sessionStorage.getItem(name) ?? "";

// keepKey keeps a key, or none, and has the page connect again.
export function keepKey(key) {
  if (key) {
    sessionStorage.setItem(name, key);
  } else {
    sessionStorage.removeItem(name);
  }
  dispatchEvent(new Event("keychange"));
}

// askForKey has the settings show the field of the key.
export function askForKey() {
  dispatchEvent(new Event("keyneeded"));
}

// authorization is the header that carries the key.
export function authorization() {
  const key = readKey();
  return key ? { Authorization: `Bearer ${key}` } : {};
}
