import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// Relative addresses, so that the dashboard works below any path of a reverse proxy. The service sends a strict
// Content-Security-Policy: nothing inline, nothing from elsewhere.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: {
    // One file for all libraries, on purpose; a browser test holds what the first page loads to 250 KB compressed.
    chunkSizeWarningLimit: 800,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        manualChunks: (id) =>
          !id.includes('node_modules') ? undefined
          : id.includes('@dnd-kit') || id.includes('uqr') ? undefined
          : 'vendor',
      },
    },
  },
  // With the Host as the browser sent it: the service refuses changes whose Origin is another one.
  server: { proxy: { '/api': { target: 'http://127.0.0.1:20128' }, '/v1': { target: 'http://127.0.0.1:20128' } } },
});
