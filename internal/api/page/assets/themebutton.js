import { find } from "./dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

// followTheme makes the button change between light and dark. Until it is used
// the page follows the system.
export function followTheme() {
  const button = find("theme");
  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const label = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("hachi.theme", root.dataset.theme);
    label();
  });
  dark.addEventListener("change", label);
  label();
}
