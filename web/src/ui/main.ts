import "./page.css";

/** The page of a server whose interface is still being built: it says what stands here, and whether it answers. */

function paragraph(text: string): HTMLParagraphElement {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

async function standing(): Promise<string> {
  try {
    const response = await fetch("/api/server", { cache: "no-store", credentials: "same-origin" });
    if (!response.ok) return `The server answered with status ${response.status}. Its log says why.`;
    const { version } = (await response.json()) as { version?: unknown };
    return typeof version === "string"
      ? `The server is running, version ${version}.`
      : "The server is running.";
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    return "The server does not answer. Check that it is running, then load this page again.";
  }
}

const app = document.getElementById("app");
if (!app) throw new Error("index.html has no #app");
const main = document.createElement("main");
const heading = document.createElement("h1");
heading.textContent = "Collegium";
const status = paragraph("Asking the server…");
status.setAttribute("role", "status");
main.append(
  heading,
  paragraph("A private place for consultation groups of clinicians."),
  status,
  paragraph(
    "Groups and messages cannot be opened in this browser yet: this version has the server and the encryption's foundations.",
  ),
);
app.append(main);
status.textContent = await standing();
