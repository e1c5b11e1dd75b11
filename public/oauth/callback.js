// Hands the answer of an authorisation server to the tab that asked (src/tools/auth/pop-up.ts), and takes it out of the
// window's address and history.
const channel = new BroadcastChannel('pocket-atlas-sign-in');
channel.postMessage(window.location.search);
window.history.replaceState(null, '', window.location.pathname);
channel.close();
window.close();
